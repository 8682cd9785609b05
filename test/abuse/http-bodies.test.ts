import type { PacketView, Problem } from '@lienthong/contracts';
import { eventually } from '../support/eventually';
import { inlineRequest, packetIn } from '../support/exchange';
import { DOCUMENTED_ROUTES, type DocumentedRoute } from '../support/openapi-routes';
import { onEmbedded, type Party, type Platform, startPlatform, startStandalone } from '../support/platform';
import { RawStream } from '../support/raw-stream';
import { itWhen } from '../support/when';

jest.setTimeout(180_000);

/** Routes that take a body in JSON, also those that are told all by their path; the one form is OAuth 2's. */
const TAKING = DOCUMENTED_ROUTES.filter(
  ({ method, template }) => ['POST', 'PUT', 'PATCH'].includes(method) && template !== '/oauth2/token',
);
/** What the platform alone decides, and what every object of JavaScript has. */
const NOT_TO_SAY = (
  'state tenant tenantId deadline systemId agencyCode from source sender id packetId createdAt receivedAt purgedAt secretKey ' +
  'isAdmin admin role scope revokedAt receipt constructor toString hasOwnProperty prototype'
).split(' ');

describe('Abuse of bodies', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  const send = ({ method, path, administrators }: DocumentedRoute, body: unknown) =>
    platform.fetch<Problem>(path, { method, body, key: administrators ? platform.adminKey : source.key });
  const packets = async () =>
    (await platform.fetch<{ items: PacketView[] }>('/v1/packets?limit=500', { key: source.key })).json.items.length;

  it(`A42 takes no word about state, tenant, deadline, system or rights in the body of any of ${TAKING.length} routes`, async () => {
    const wrong: string[] = [];
    let asked = 0;
    for (const route of TAKING)
      for (const name of NOT_TO_SAY.filter((one) => !route.fields?.includes(one))) {
        asked++;
        const { status, json } = await send(route, { [name]: 'x' });
        const unknown = json.errors?.some(({ pointer, code }) => pointer === `/${name}` && code === 'unknown_field');
        if (!(status === 400 && (unknown || json.code === 'malformed_json')))
          wrong.push(`${route.method} ${route.template} ${name}: ${status} ${JSON.stringify(json).slice(0, 200)}`);
      }
    process.stdout.write(`A42: ${asked} bodies refused for a field that is not the caller's to say\n`);
    expect(wrong).toEqual([]);
  });

  it('A42 takes none within a packet that would be right without it, and keeps nothing of it', async () => {
    const before = await packets();
    const right = inlineRequest(destination) as unknown as { parts: object[]; policy?: object };
    const bodies = [
      { ...right, state: 'completed' },
      { ...right, from: destination.systemId },
      { ...right, systemId: destination.systemId },
      { ...right, deadline: '2027-01-01T00:00:00Z' },
      { ...right, parts: [{ ...right.parts[0], state: 'present' }] },
      { ...right, parts: [{ ...right.parts[0], objectKey: '../x' }] },
      { ...right, policy: { state: 'scheduled' } },
      { ...right, policy: { expiresAt: '2027-01-01T00:00:00Z' } },
    ];
    for (const body of bodies)
      expect((await platform.fetch('/v1/packets', { method: 'POST', body, key: source.key })).status).toBe(400);
    expect(await packets()).toBe(before);
  });

  it(`A8 refuses a name that stands twice, and __proto__, in the body of any of ${TAKING.length} routes`, async () => {
    const texts = [
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":2}',
      '{"x":{"b":1,"b":2}}',
      '{"x":[{"b":1},{"b":1,"b":1}]}',
      '{"__proto__":{"state":"completed"}}',
      '{"\\u005f_proto__":{"state":"completed"}}',
      '{"parts":[{"__proto__":{}}]}',
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      `{"a":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
    ];
    const wrong: string[] = [];
    for (const route of TAKING)
      for (const text of texts) {
        const { status, json } = await send(route, text);
        if (status !== 400 || json.code !== 'malformed_json')
          wrong.push(`${route.method} ${route.template} ${text.slice(0, 50)}: ${status} ${json.code}`);
      }
    expect(wrong).toEqual([]);
    expect(({} as Record<string, unknown>).state).toBeUndefined();
  });

  describe('A20', () => {
    const CLAIMS = {
      'X-User-Id': 'admin',
      'X-Forwarded-User': 'admin',
      'X-Remote-User': 'admin',
      'X-System-Id': 'H01.14/qlvb',
      'X-Original-URL': '/v1/admin/agencies',
      'X-Rewrite-URL': '/v1/admin/agencies',
      'X-HTTP-Method-Override': 'DELETE',
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'gopher',
      Forwarded: 'for=10.0.0.1;host=evil.example',
    };

    it('knows a sender by its signature alone, whatever headers say of it (A20)', async () => {
      const { status, json } = await platform.fetch<{ packetId: string }>('/v1/packets', {
        method: 'POST',
        body: inlineRequest(destination),
        key: source.key,
        headers: { ...CLAIMS, 'X-System-Id': destination.systemId },
      });
      expect(status).toBe(201);
      expect(await packetIn(source, json.packetId, 'scheduled')).toMatchObject({ from: source.systemId });
      expect((await platform.fetch('/v1/packets', { headers: CLAIMS })).status).toBe(401);
      expect((await platform.fetch('/v1/admin/agencies', { headers: CLAIMS, key: source.key })).status).toBe(403);
    });

    it('gives out no address that a header named', async () => {
      const { json } = await platform.fetch<{ url: string }>('/v1/stream-tickets', {
        method: 'POST',
        body: {},
        key: source.key,
        headers: CLAIMS,
      });
      expect(json.url.startsWith(platform.baseUrl.replace(/^http/, 'ws'))).toBe(true);
      const metadata = await platform.fetch('/.well-known/oauth-authorization-server', { headers: CLAIMS });
      expect(metadata.text).not.toContain('evil');
    });

    itWhen(onEmbedded, 'a setting of a platform of its own, which is the same code')(
      'believes X-Forwarded-For from a trusted proxy alone: for rate limits, and for where a stream comes from',
      async () => {
        const [plain, trusting] = await Promise.all([
          startStandalone({ RATE_LIMIT_PER_MINUTE: '150' }),
          startStandalone({ RATE_LIMIT_PER_MINUTE: '150', TRUST_PROXY: 'loopback' }),
        ]);
        try {
          const flood = async (one: Platform) => {
            const answers = Array.from({ length: 200 }, (_, index) =>
              one.fetch('/v1/limits', { headers: { 'X-Forwarded-For': `203.0.113.${index}` } }),
            );
            return (await Promise.all(answers)).filter(({ status }) => status === 429).length;
          };
          const from = async (one: Platform) => {
            const { key, systemId } = await one.makeParty();
            const ticket = await one.fetch<{ url: string }>('/v1/stream-tickets', { method: 'POST', body: {}, key });
            const stream = await RawStream.at(ticket.json.url, { 'X-Forwarded-For': '198.51.100.7' });
            const rows = await one.sql<{ address: string }>('SELECT address FROM connections WHERE system_id = $1', [
              systemId,
            ]);
            await stream.close();
            return rows.map(({ address }) => address);
          };
          expect(await from(plain)).toEqual(['127.0.0.1']);
          expect(await from(trusting)).toEqual(['198.51.100.7']);
          expect(await flood(plain)).toBeGreaterThan(40);
          expect(await flood(trusting)).toBe(0);
        } finally {
          await Promise.all([plain.stop(), trusting.stop()]);
        }
      },
    );
  });

  it('A53 answers a megabyte of names, of colliding ones, of objects or of items in less than two seconds, or in time that grows as its size', async () => {
    const list = (count: number, item: (n: number) => string) =>
      Array.from({ length: count }, (_, n) => item(n)).join(',');
    const bodies: [string, number, (count: number) => string][] = [
      ['names', 60_000, (count) => `{${list(count, (n) => `"k${n}00000":0`)}}`],
      ['colliding names', 60_000, (count) => `{${list(count, (n) => `"${(n * 2_654_435_761) % 4_294_967_296}":0`)}}`],
      ['empty parts', 340_000, (count) => `{"parts":[${list(count, () => '{}')}]}`],
      ['as many empty parts as are looked at', 11_000, (count) => `{"parts":[${list(count, () => '{}')}]}`],
      ['wrong recipients', 500_000, (count) => `{"to":[${list(count, () => '0')}]}`],
      ['wrong fractions', 340_000, (count) => `{"policy":{"warnAt":[${list(count, () => '-1')}]}}`],
      ['nested lists', 200_000, (count) => `{"to":[${list(count, () => '[[]]')}]}`],
    ];
    // A process that was just held up refuses new packets for a moment, which is as it should be.
    const ask = (body: string) =>
      eventually(async () => {
        const started = performance.now();
        const { status } = await platform.fetch('/v1/packets', { method: 'POST', body, key: source.key });
        return status !== 503 && { status, took: performance.now() - started };
      });
    const quickest = async (body: string) => {
      const times: number[] = [];
      for (let round = 0; round < 3; round += 1) times.push((await ask(body)).took);
      return Math.min(...times);
    };
    for (const [what, count, bodyOf] of bodies) {
      const body = bodyOf(count);
      const { status, took } = await ask(body);
      process.stdout.write(`A53: ${what}, ${body.length} bytes, answered ${status} in ${took.toFixed(0)} ms\n`);
      expect({ what, status }).toEqual({ what, status: 400 });
      // On a slow machine: four times the size takes four times as long, not sixteen times.
      if (took >= 2000) expect(await quickest(body)).toBeLessThan(9 * (await quickest(bodyOf(count / 4))));
    }
  });
});
