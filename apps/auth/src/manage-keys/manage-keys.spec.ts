import type { NewKey } from '@lienthong/contracts';
import { SecretBox } from '@lienthong/identity';
import type { NewKeyRecord } from '@lienthong/persistence';
import { generateKeyPairSync } from 'node:crypto';
import { ManageKeys } from './manage-keys';

const spki = (bits: number) =>
  generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ type: 'spki', format: 'pem' }).toString();
const PEM = spki(2048);

describe('manage-keys', () => {
  const box = new SecretBox(Buffer.alloc(32, 1));

  function platform() {
    const added: NewKeyRecord[] = [];
    const replaced: { former: string; overlapSeconds: number }[] = [];
    const forgotten: string[] = [];
    const system = {
      id: 'H01.14/qlvb',
      agencyCode: 'H01.14',
      name: '',
      receives: [],
      contact: null,
      default: false,
      suspendedAt: null,
      dissolvedAt: null,
      createdAt: '',
    };
    const manage = new ManageKeys(
      { find: async (id) => (['H01.14/qlvb', '000.00.14.H01/qlvb'].includes(id) ? system : undefined) },
      {
        add: async (key) => void added.push(key),
        find: async (accessKey) => {
          const key = added.find((one) => one.accessKey === accessKey);
          return key && { legacyUntil: null, ...key, revokedAt: null, suspendedAt: null, dissolvedAt: null };
        },
        replace: async (former, key, overlapSeconds) => {
          if (replaced.some((one) => one.former === former)) return undefined;
          added.push(key);
          replaced.push({ former, overlapSeconds });
          return new Date(Date.now() + overlapSeconds * 1000);
        },
        list: async () => [],
        revoke: async (systemId, accessKey) => systemId === system.id && accessKey === 'AK1',
      },
      box,
      { forget: () => void forgotten.push('all') },
      Date,
    );
    return { added, replaced, forgotten, manage };
  }

  it('shows a secret of 32 random bytes once and keeps it sealed for that key and system', async () => {
    const { added, manage } = platform();
    const issued = await manage.issue('000.00.14.H01/qlvb', { algorithms: ['hmac-sha256'] });
    expect(issued).toMatchObject({ systemId: 'H01.14/qlvb', algorithms: ['hmac-sha256'], expiresAt: null });
    expect(Buffer.from(issued.secretKey ?? '', 'base64url')).toHaveLength(32);
    const [{ accessKey, systemId, sealedSecret }] = added;
    expect(accessKey).toBe(issued.accessKey);
    expect(box.open({ accessKey, systemId }, sealedSecret ?? Buffer.alloc(0))).toBe(issued.secretKey);
    expect(JSON.stringify(added)).not.toContain(issued.secretKey);
    const again = await manage.issue('H01.14/qlvb', { algorithms: ['hmac-sha256'] });
    expect([again.accessKey, again.secretKey]).not.toContain(issued.accessKey);
    expect(again.secretKey).not.toBe(issued.secretKey);
  });

  it('takes an RSA public key and makes no secret', async () => {
    const { added, manage } = platform();
    const issued = await manage.issue('H01.14/qlvb', {
      algorithms: ['rsa-pss-sha512', 'rsa-v1_5-sha256'],
      publicKeyPem: PEM,
    });
    expect(issued).not.toHaveProperty('secretKey');
    expect(added[0]).toMatchObject({ publicKeyPem: PEM, sealedSecret: null });
  });

  it.each<[string, NewKey, string]>([
    [
      'HMAC and RSA in one key',
      { algorithms: ['hmac-sha256', 'rsa-pss-sha512'], publicKeyPem: PEM },
      'validation_failed',
    ],
    ['an HMAC key with a public key', { algorithms: ['hmac-sha256'], publicKeyPem: PEM }, 'validation_failed'],
    ['an RSA key without a public key', { algorithms: ['rsa-pss-sha512'] }, 'validation_failed'],
    ['a public key that is none', { algorithms: ['rsa-pss-sha512'], publicKeyPem: 'x' }, 'weak_key'],
    ['a short public key', { algorithms: ['rsa-pss-sha512'], publicKeyPem: spki(1024) }, 'weak_key'],
    ['an end in the past', { algorithms: ['hmac-sha256'], expiresAt: '2020-01-01T00:00:00Z' }, 'validation_failed'],
  ])('refuses %s', async (_what, key, code) => {
    const { added, manage } = platform();
    await expect(manage.issue('H01.14/qlvb', key)).rejects.toMatchObject({ code });
    expect(added).toEqual([]);
  });

  it('rotates a key into one of the same kind, while the former goes on for a week or as long as asked', async () => {
    const { added, replaced, manage } = platform();
    const former = await manage.issue('H01.14/qlvb', { algorithms: ['hmac-sha256'], bearer: true });
    const rotated = await manage.rotate('H01.14/qlvb', former.accessKey, {});
    expect(rotated).toMatchObject({ algorithms: ['hmac-sha256'], replaces: { accessKey: former.accessKey } });
    expect(rotated.secretKey).not.toBe(former.secretKey);
    expect(added[1]).toMatchObject({ accessKey: rotated.accessKey, systemId: 'H01.14/qlvb', bearer: true });
    expect(replaced[0].overlapSeconds).toBe(7 * 86_400);
    const rsa = await manage.issue('H01.14/qlvb', { algorithms: ['rsa-pss-sha512'], publicKeyPem: PEM });
    await manage.rotate('H01.14/qlvb', rsa.accessKey, { publicKeyPem: spki(3072), overlapSeconds: 0 });
    expect(replaced[1].overlapSeconds).toBe(0);
  });

  it('rotates nothing that is of another system, was rotated before, or lacks the new public key', async () => {
    const { added, manage } = platform();
    const { accessKey } = await manage.issue('H01.14/qlvb', { algorithms: ['rsa-pss-sha512'], publicKeyPem: PEM });
    added.push({ ...added[0], accessKey: 'AKother', systemId: 'H01.15/qlvb' });
    const refused = (key: string, pem?: string) =>
      expect(manage.rotate('H01.14/qlvb', key, pem ? { publicKeyPem: pem } : {})).rejects;
    await refused('AKother', PEM).toMatchObject({ code: 'not_found' });
    await refused('AKnone', PEM).toMatchObject({ code: 'not_found' });
    await refused(accessKey).toMatchObject({ code: 'validation_failed' });
    await manage.rotate('H01.14/qlvb', accessKey, { publicKeyPem: PEM });
    await refused(accessKey, PEM).toMatchObject({ code: 'wrong_state' });
  });

  it('revokes only what the system has, and forgets at once what this process believed', async () => {
    const { forgotten, manage } = platform();
    await expect(manage.revoke('H01.14/qlvb', 'AK2')).rejects.toMatchObject({ code: 'not_found' });
    await expect(manage.revoke('H01.15/qlvb', 'AK1')).rejects.toMatchObject({ code: 'not_found' });
    expect(forgotten).toEqual([]);
    await manage.revoke('H01.14/qlvb', 'AK1');
    expect(forgotten).toEqual(['all']);
  });
});
