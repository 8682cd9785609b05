import { BootError } from '@lienthong/runtime';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { masterKeyOf, readMasterKeys } from './master-key';

const [one, two] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

describe('the master key', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'lienthong-master-key-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('comes from the environment or from a command', async () => {
    const file = join(folder, 'key');
    writeFileSync(file, `${one.toString('hex')}\n`);
    const expected = { masterKey: one, others: [] };
    expect(await readMasterKeys({ MASTER_KEY: one.toString('base64url') })).toEqual(expected);
    expect(await readMasterKeys({ MASTER_KEY_COMMAND: `cat '${file}'` })).toEqual(expected);
  });

  it('reads 32 bytes in hex, base64 and base64url, and nothing else', () => {
    const bytes = Buffer.alloc(32, 0xfb);
    for (const form of ['hex', 'base64', 'base64url'] as const)
      expect(masterKeyOf(bytes.toString(form))).toEqual(bytes);
    for (const text of ['', 'secret', 'a'.repeat(63), bytes.toString('base64').slice(4), `${bytes.toString('hex')} `])
      expect(masterKeyOf(text)).toBeUndefined();
  });

  it('has others beside it that only open', async () => {
    const others = `${one.toString('hex')}, ${two.toString('base64url')}`;
    expect(await readMasterKeys({ MASTER_KEY: two.toString('hex'), OTHER_MASTER_KEYS: others })).toEqual({
      masterKey: two,
      others: [one, two],
    });
  });

  it.each([
    ['none', {}, 'No master key'],
    ['two sources', { MASTER_KEY: one.toString('hex'), MASTER_KEY_COMMAND: 'cat /key' }, 'both set'],
    ['too short a key', { MASTER_KEY: 'c2hvcnQ' }, 'MASTER_KEY does not give 32 bytes'],
    ['two keys', { MASTER_KEY: `${one.toString('hex')},${two.toString('hex')}` }, 'No master key'],
    ['a command that fails', { MASTER_KEY_COMMAND: 'exit 3' }, 'MASTER_KEY_COMMAND cannot be read (3)'],
    ['an empty answer', { MASTER_KEY_COMMAND: 'true' }, 'MASTER_KEY_COMMAND does not give'],
  ])('is refused in one sentence: %s', async (_case, sources, sentence) => {
    const reading = readMasterKeys(sources);
    await expect(reading).rejects.toThrow(BootError);
    await expect(reading).rejects.toThrow(sentence);
  });
});
