import { SecretBox, WrongMasterKeyError } from '@lienthong/identity';
import { type NewKeyRecord, WrongSecretError } from '@lienthong/persistence';
import { BootError } from '@lienthong/runtime';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckSecrets } from './check-secrets';
import { FirstAdministrator } from './first-administrator';

const box = new SecretBox(Buffer.alloc(32, 1));
const log = { info: () => undefined };

describe('the first start', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lienthong-auth-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const firstAdministrator = (file: string | undefined, add: (key: NewKeyRecord, hand: () => void) => boolean) =>
    new FirstAdministrator(
      { tokenSeconds: 3600, publicUrl: 'http://localhost:8080', adminKeyFile: file },
      { addFirstAdministrator: async (key, hand) => add(key, hand) },
      box,
      log,
    );

  it('writes the key that it makes into a file that only this user may read', async () => {
    const file = join(folder, 'data', 'admin-key.json');
    const added: NewKeyRecord[] = [];
    await firstAdministrator(file, (key, hand) => {
      added.push(key);
      hand();
      return true;
    }).onModuleInit();
    const { accessKey, secretKey, baseUrl } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    expect(baseUrl).toBe('http://localhost:8080');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(added).toEqual([expect.objectContaining({ accessKey, systemId: null, algorithms: ['hmac-sha256'] })]);
    expect(box.open({ accessKey, systemId: null }, added[0].sealedSecret ?? Buffer.alloc(0))).toBe(secretKey);
  });

  it('writes nothing when there is an administrator already, or nowhere to write', async () => {
    const file = join(folder, 'admin-key.json');
    await firstAdministrator(file, () => false).onModuleInit();
    expect(existsSync(file)).toBe(false);
    let asked = false;
    await firstAdministrator(undefined, () => (asked = true)).onModuleInit();
    expect(asked).toBe(false);
  });

  it('stops with one sentence when the file cannot be written', async () => {
    writeFileSync(join(folder, 'no-folder'), '');
    const file = join(folder, 'no-folder', 'admin-key.json');
    const start = firstAdministrator(file, (_key, hand) => {
      hand();
      return true;
    }).onModuleInit();
    await expect(start).rejects.toThrow(BootError);
    await expect(start).rejects.toThrow('ADMIN_KEY_FILE');
  });

  it('leaves no file with a key that was not committed', async () => {
    const file = join(folder, 'admin-key.json');
    const start = firstAdministrator(file, (_key, hand) => {
      hand();
      throw new Error('commit failed');
    }).onModuleInit();
    await expect(start).rejects.toThrow('commit failed');
    expect(existsSync(file)).toBe(false);
  });
});

describe('a start with the wrong secrets', () => {
  const owner = { accessKey: 'AK1', systemId: null };
  const sealed = { ...owner, sealedSecret: box.seal(owner, 'secret') };
  const dayKeys = { of: async () => Buffer.alloc(32) };
  const platformKeys = { current: async () => ({ kid: '', privatePem: '' }) };

  it('is refused, in one sentence that names the setting', async () => {
    const other = new SecretBox(Buffer.alloc(32, 2));
    await expect(
      new CheckSecrets({ newestSealed: async () => [sealed] }, other, dayKeys, platformKeys).onModuleInit(),
    ).rejects.toThrow(/^MASTER_KEY does not open/);
    const rootOfOther = { of: () => Promise.reject(new WrongMasterKeyError()) };
    await expect(
      new CheckSecrets({ newestSealed: async () => [] }, box, rootOfOther, platformKeys).onModuleInit(),
    ).rejects.toThrow(/^MASTER_KEY does not open/);
    const wrong = { current: () => Promise.reject(new WrongSecretError('PLATFORM_SECRET is another.')) };
    const start = new CheckSecrets({ newestSealed: async () => [sealed] }, box, dayKeys, wrong).onModuleInit();
    await expect(start).rejects.toThrow(BootError);
    await expect(start).rejects.toThrow('PLATFORM_SECRET is another.');
  });

  it('is not confused with an empty platform or an outage', async () => {
    const empty = new CheckSecrets({ newestSealed: async () => [] }, box, dayKeys, platformKeys);
    await expect(empty.onModuleInit()).resolves.toBeUndefined();
    const away = { current: () => Promise.reject(new Error('connect ECONNREFUSED')) };
    const start = new CheckSecrets({ newestSealed: async () => [sealed] }, box, dayKeys, away).onModuleInit();
    await expect(start).rejects.not.toBeInstanceOf(BootError);
  });
});
