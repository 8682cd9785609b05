import type { KeyRecord } from '@lienthong/persistence';
import { KeyRing } from './key-ring';
import { KeyUses } from './key-uses';

const record: KeyRecord = {
  accessKey: 'AK1',
  systemId: null,
  algorithms: ['hmac-sha256'],
  sealedSecret: Buffer.alloc(1),
  publicKeyPem: null,
  bearer: false,
  legacyUntil: null,
  expiresAt: null,
  revokedAt: null,
  suspendedAt: null,
  dissolvedAt: null,
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
    const legacy: [string, number][] = [];
    const uses = new KeyUses(
      { touch, countLegacy: async (counts) => void legacy.push(...counts) },
      { error: () => undefined, info: () => undefined },
      { inc: (labels) => void counted.push(labels) },
    );
    uses.note('AK1', 'hmac-sha256', new Date(1));
    uses.note('AK2', 'hmac-sha256', new Date(2));
    uses.note('AK2', 'hmac-sha1', new Date(2));
    uses.note('AK2', 'hmac-sha1', new Date(2));
    await expect(uses.write()).rejects.toThrow('no database');
    down = false;
    uses.note('AK1', 'hmac-sha256', new Date(3));
    await uses.write();
    await uses.write();
    const algs = ['hmac-sha256', 'hmac-sha256', 'hmac-sha1', 'hmac-sha1', 'hmac-sha256'];
    expect(counted).toEqual(algs.map((alg) => ({ alg })));
    expect(legacy).toEqual([['AK2', 2]]);
    expect(written).toEqual([
      [
        ['AK1', new Date(3)],
        ['AK2', new Date(2)],
      ],
    ]);
  });
});
