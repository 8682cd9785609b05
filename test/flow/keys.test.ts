import type { LegacyKey } from '@lienthong/contracts';
import { runInProcess } from '../../libs/client/src/testing/run-in-process';
import { eventually } from '../support/eventually';
import { onEmbedded, type Party, type Platform, startPlatform } from '../support/platform';
import { itWhen } from '../support/when';

jest.setTimeout(90_000);

describe('Keys while the platform runs', () => {
  let platform: Platform;
  let party: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    party = await platform.makeParty();
  });
  afterAll(() => platform?.stop());

  /** The command line, with the administrator's key. */
  const lienthong = (...words: string[]) =>
    runInProcess(['--lang', 'en', ...words], {
      LIENTHONG_URL: platform.baseUrl,
      LIENTHONG_ACCESS_KEY: platform.adminKey.keyId,
      LIENTHONG_SECRET_KEY: platform.adminKey.secret ?? '',
    });

  it('manage-keys: a system replaces its own key, and both hold meanwhile', async () => {
    const { accessKey } = await platform.admin.admin.keys.issue(party.systemId, { algorithms: ['hmac-sha256'] });
    const rotated = await party.client.keys.rotate(accessKey, { overlapSeconds: 600 });
    expect(rotated.replaces.accessKey).toBe(accessKey);
    const key = { keyId: rotated.accessKey, alg: 'hmac-sha256' as const, secret: rotated.secretKey };
    expect((await platform.fetch('/v1/sessions', { method: 'POST', body: {}, key })).status).toBe(201);
    const all = [];
    for await (const one of party.client.keys.list()) all.push(one);
    expect(all.find((one) => one.accessKey === accessKey)).toMatchObject({ replacedBy: rotated.accessKey });
    await party.client.keys.revoke(rotated.accessKey);
    expect((await platform.fetch('/v1/sessions', { method: 'POST', body: {}, key })).status).toBe(401);
  });

  it('warn-expiring-keys: a system is told that one of its keys ends, once, with what to do in the data', async () => {
    // The next warning is due 7 days before the end: two seconds from now.
    const expiresAt = new Date(Date.now() + 7 * 86_400_000 + 2000).toISOString();
    const { accessKey } = await platform.admin.admin.keys.issue(party.systemId, {
      algorithms: ['hmac-sha256'],
      expiresAt,
    });
    const warnings = async () => {
      const { items } = await party.client.events.poll({ after: '0' });
      return items.filter(({ type, data }) => type === 'key.expiring' && data.accessKey === accessKey);
    };
    await eventually(async () => (await warnings()).length === 1, { within: 40_000 });
    expect((await warnings())[0].data).toEqual({
      accessKey,
      algorithms: ['hmac-sha256'],
      expiresAt,
      replacedBy: null,
    });
  });

  it('rewrap-secrets: an administrator may ask at any time; nobody else', async () => {
    // A stack that has run for long may hold what the first release sealed.
    expect((await platform.admin.admin.rewrap()).rewrapped).toBeGreaterThanOrEqual(0);
    expect(await platform.admin.admin.rewrap()).toEqual({ rewrapped: 0 });
    expect(await lienthong('admin', 'rewrap')).toEqual({ code: 0, out: '✓ Rewrapped 0 secrets.\n', err: '' });
    const answer = await platform.fetch('/v1/admin/rewraps', { method: 'POST', key: party.key });
    expect(answer).toMatchObject({ status: 403, json: { code: 'access_denied' } });
  });

  it('report-legacy-signatures: hmac-sha1 is taken to a date only, says so with every answer, and is listed', async () => {
    const { admin } = platform.admin;
    const answerTo = async (body: object) => {
      const path = `/v1/admin/systems/${party.systemId}/keys`;
      const { status, json } = await platform.fetch(path, { method: 'POST', body, key: platform.adminKey });
      return { status, code: json.code };
    };
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    const invalid = { status: 400, code: 'validation_failed' };
    expect(await answerTo({ algorithms: ['hmac-sha1'] })).toEqual(invalid);
    expect(await answerTo({ algorithms: ['hmac-sha1'], legacyUntil: inDays(400) })).toEqual(invalid);
    expect(await answerTo({ algorithms: ['hmac-sha1'], legacyUntil: inDays(-1) })).toEqual(invalid);
    expect(await answerTo({ algorithms: ['hmac-sha256', 'hmac-sha1'], legacyUntil: inDays(9) })).toEqual(invalid);
    expect(await answerTo({ algorithms: ['hmac-sha256'], legacyUntil: inDays(9) })).toEqual(invalid);

    const legacyUntil = inDays(9);
    const issued = await admin.keys.issue(party.systemId, { algorithms: ['hmac-sha1'], legacyUntil });
    const key = { keyId: issued.accessKey, alg: 'hmac-sha1' as const, secret: issued.secretKey };
    const asked = await platform.fetch('/v1/deliveries', { key });
    expect(asked.status).toBe(200);
    expect(asked.headers.get('sunset')).toBe(new Date(legacyUntil).toUTCString());
    expect(asked.headers.get('deprecation')).toMatch(/^@\d+$/);
    expect((await platform.fetch('/v1/deliveries', { key: party.key })).headers.get('sunset')).toBeNull();
    const report = [];
    for await (const one of admin.legacySignatures()) report.push(one);
    expect(report.find(({ accessKey }) => accessKey === issued.accessKey)).toMatchObject({
      systemId: party.systemId,
      legacyUntil,
      revokedAt: null,
    });
    // Its day has come.
    await platform.sql(`UPDATE keys SET legacy_until = now() WHERE access_key = $1`, [issued.accessKey]);
    // Every instance believes what it read for 5 s.
    await eventually(
      async () => {
        const answers = await Promise.all([1, 2, 3, 4].map(() => platform.fetch('/v1/deliveries', { key })));
        return answers.every(({ json }) => json.code === 'algorithm_not_allowed');
      },
      { within: 15_000 },
    );
  });

  itWhen(
    onEmbedded,
    'uses are written once a minute, and when a process ends, which the stack that others use must not',
  )(
    'report-legacy-signatures: every use of hmac-sha1 is counted, what is refused is not, and an administrator sees it',
    async () => {
      const weak = await platform.makeParty({ algorithms: ['hmac-sha1'] });
      const uses = [1, 2, 3].map(() => platform.fetch('/v1/deliveries', { key: weak.key }));
      expect((await Promise.all(uses)).map(({ status }) => status)).toEqual([200, 200, 200]);
      const forged = { ...weak.key, secret: 'not the secret of this key' };
      expect((await platform.fetch('/v1/deliveries', { key: forged })).status).toBe(401);
      await platform.restart();
      const { code, out } = await lienthong('admin', 'legacy', '--json');
      expect(code).toBe(0);
      const report = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as LegacyKey);
      expect(report.find(({ accessKey }) => accessKey === weak.key.keyId)).toMatchObject({
        systemId: weak.systemId,
        uses30Days: 3,
        usesInAll: 3,
        revokedAt: null,
      });
      expect((await lienthong('admin', 'legacy')).out).toContain(weak.systemId);
    },
  );
});
