import type { KeyRecord } from '@lienthong/persistence';
import { KeyRing } from './key-ring';
import { KeyUses } from './key-uses';
import { masterKeyOf, SecretBox } from '../access-keys/secret-box';

const record: KeyRecord = {
  accessKey: 'AK1',
  systemId: null,
  algorithms: ['hmac-sha256'],
  sealedSecret: Buffer.alloc(1),
  publicKeyPem: null,
  expiresAt: null,
  revokedAt: null,
  suspendedAt: null,
};

describe('KeyRing', () => {
  function ring() {
    const asked: string[] = [];
    const rows = new Map([['AK1', record]]);
    const find = async (accessKey: string) => {
      asked.push(accessKey);
      return rows.get(accessKey);
    };
    return { asked, rows, ring: new KeyRing({ find }, { find: async () => undefined }) };
  }

  it('asks the database once for a key that many requests name at the same time', async () => {
    const { asked, ring: keys } = ring();
    await Promise.all(Array.from({ length: 20 }, () => keys.key('AK1')));
    expect(await keys.key('AK1')).toMatchObject({ accessKey: 'AK1' });
    expect(asked).toEqual(['AK1']);
  });

  it('remembers nothing about a key that is unknown: once made it works at once', async () => {
    const { rows, ring: keys } = ring();
    expect(await keys.key('AK2')).toBeUndefined();
    rows.set('AK2', { ...record, accessKey: 'AK2' });
    expect(await keys.key('AK2')).toBeDefined();
  });

  it('asks again after a change made here, also while an older answer is under way', async () => {
    const { asked, ring: keys } = ring();
    const under = keys.key('AK1');
    keys.forget();
    await under;
    await keys.key('AK1');
    expect(asked).toEqual(['AK1', 'AK1']);
  });
});

describe('KeyUses', () => {
  it('writes the last use of each key together, and keeps what could not be written', async () => {
    const written: [string, Date][][] = [];
    let down = true;
    const touch = async (uses: ReadonlyMap<string, Date>) => {
      if (down) throw new Error('no database');
      written.push([...uses]);
    };
    const counted: unknown[] = [];
    const uses = new KeyUses(
      { touch },
      { error: () => undefined, info: () => undefined },
      { inc: (labels) => void counted.push(labels) },
    );
    uses.note('AK1', 'hmac-sha256', new Date(1));
    uses.note('AK2', 'hmac-sha256', new Date(2));
    await expect(uses.write()).rejects.toThrow('no database');
    down = false;
    uses.note('AK1', 'hmac-sha256', new Date(3));
    await uses.write();
    await uses.write();
    expect(counted).toEqual([{ alg: 'hmac-sha256' }, { alg: 'hmac-sha256' }, { alg: 'hmac-sha256' }]);
    expect(written).toEqual([
      [
        ['AK1', new Date(3)],
        ['AK2', new Date(2)],
      ],
    ]);
  });
});

describe('SecretBox', () => {
  it('opens a secret for its own key and system only', () => {
    const box = new SecretBox(Buffer.alloc(32, 1));
    const owner = { accessKey: 'AK1', systemId: 'H01/a' };
    const sealed = box.seal(owner, 'secret');
    expect(box.open(owner, sealed)).toBe('secret');
    expect(() => box.open({ ...owner, accessKey: 'AK2' }, sealed)).toThrow();
    expect(() => box.open({ ...owner, systemId: 'H01/b' }, sealed)).toThrow();
    expect(() => new SecretBox(Buffer.alloc(32, 2)).open(owner, sealed)).toThrow();
  });

  it('reads a master key of 32 bytes in hex, base64 and base64url, and nothing else', () => {
    const bytes = Buffer.alloc(32, 0xfb);
    for (const form of ['hex', 'base64', 'base64url'] as const)
      expect(masterKeyOf(bytes.toString(form))).toEqual(bytes);
    for (const text of ['', 'secret', 'a'.repeat(63), bytes.toString('base64').slice(4), `${bytes.toString('hex')} `])
      expect(masterKeyOf(text)).toBeUndefined();
  });
});
