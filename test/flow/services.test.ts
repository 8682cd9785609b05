import { type KeyView, LIMITS, type QueuesAnswer } from '@lienthong/contracts';
import { eventually } from '../support/eventually';
import { deliveryId, openSpace, packetIn, purged, sendInline } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(120_000);

describe('Beside the path', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  const get = async (path: string) => {
    const response = await fetch(`${platform.baseUrl}${path}`);
    return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() };
  };

  it('publishes every limit, to who does not sign too (publish-limits)', async () => {
    const { status, text } = await get('/v1/limits');
    expect([status, JSON.parse(text)]).toEqual([200, LIMITS]);
  });

  it('serves the technical documents and their page (publish-docs)', async () => {
    const page = await get('/docs');
    expect([page.status, page.type]).toEqual([200, 'text/html; charset=utf-8']);
    const openapi = JSON.parse((await get('/docs/openapi.json')).text) as { openapi: string; paths: object };
    expect(Object.keys(openapi.paths)).toEqual(
      expect.arrayContaining(['/v1/packets', '/v1/deliveries/{deliveryId}/confirm']),
    );
    expect((await get('/docs/asyncapi.yaml')).text).toMatch(/^asyncapi: ['"]?3\./m);
    for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js', 'start.js'])
      expect((await get(`/docs/ui/${file}`)).status).toBe(200);
    expect((await get('/docs/ui/package.json')).status).toBe(404);
  });

  it('publishes the keys that receipts are verified with, and no private half (publish-keys)', async () => {
    await packetIn(source, (await sendInline(source, destination)).packetId, 'scheduled');
    const { keys } = JSON.parse((await get('/.well-known/jwks.json')).text) as { keys: Record<string, string>[] };
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) expect([key.kty, key.crv, key.d]).toEqual(['OKP', 'Ed25519', undefined]);
  });

  it('issues keys whose secret is shown once, lists them, and revokes them everywhere within 10 s (manage-keys)', async () => {
    const { admin } = platform.admin;
    const party = await platform.makeParty();
    expect(party.issued.secretKey).toMatch(/^[\w-]{43}$/);
    await party.client.deliveries.page();
    const items: KeyView[] = [];
    for await (const item of admin.keys.list(party.systemId)) items.push(item);
    expect(items.map(({ accessKey }) => accessKey)).toEqual([party.issued.accessKey]);
    expect(JSON.stringify(items)).not.toContain(party.issued.secretKey);

    await admin.keys.revoke(party.systemId, party.issued.accessKey);
    const refused = await eventually(
      async () => {
        const answer = await platform.fetch<{ code: string }>('/v1/deliveries', { key: party.key });
        return answer.status === 401 && answer.json;
      },
      { within: 10_000 },
    );
    expect(refused.code).toBe('key_revoked');
  });

  it('shows what waits per queue and per destination (watch-queues)', async () => {
    const waiting = await platform.makeParty();
    await deliveryId(source, (await sendInline(source, waiting)).packetId, waiting);
    const { queues, destinations }: QueuesAnswer = await platform.admin.admin.queues();
    expect(queues.map(({ queue }) => queue).join(' ')).toMatch(/analyse-packet.*purge-content/);
    expect(destinations).toContainEqual(
      expect.objectContaining({ systemId: waiting.systemId, waiting: 1, online: false }),
    );
    const refused = await platform.fetch<{ code: string }>('/v1/admin/queues', { key: waiting.key });
    expect([refused.status, refused.json.code]).toEqual([403, 'access_denied']);
  });

  it('closes and empties a space that was not completed within a day (close-unused-spaces) (A22)', async () => {
    const { packetId } = await openSpace(source, destination);
    // Nobody waits a day: the end of the space is moved.
    await platform.sql(`UPDATE packets SET space_expires_at = now() WHERE id = $1`, [packetId]);
    const late = await source.client.packets.complete(packetId).catch((error: unknown) => error);
    expect(late).toMatchObject({ code: 'wrong_state', members: { state: 'expired' } });
    await packetIn(source, packetId, 'expired', { within: 60_000 });
    await purged(source, packetId);
    const { receipts } = await source.client.packets.receipts(packetId);
    expect(receipts.map(({ event }) => event)).toEqual(['packet.expired', 'packet.purged']);
  });

  it('removes nonces whose time is over, and keeps the others (forget-expired)', async () => {
    await platform.sql(
      `INSERT INTO nonces (key_id, nonce, expires_at) VALUES ($1, 'over-over-over-over', now() - interval '1 s'), ($1, 'kept-kept-kept-kept', now() + interval '1 hour')`,
      [source.systemId],
    );
    const left = await eventually(
      async () => {
        const rows = await platform.sql<{ nonce: string }>('SELECT nonce FROM nonces WHERE key_id = $1', [
          source.systemId,
        ]);
        return rows.length === 1 && rows;
      },
      { within: 40_000 },
    );
    expect(left).toEqual([{ nonce: 'kept-kept-kept-kept' }]);
  });
});
