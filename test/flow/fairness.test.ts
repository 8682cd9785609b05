import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import type { Download } from '@lienthong/contracts';
import { IN_ANALYSIS } from '@lienthong/persistence';
import { SHARES } from '@lienthong/queue';
import { eventually } from '../support/eventually';
import { accept, deliveryId, newFile, packetIn, receiveOne, sendInline, sendPut } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(180_000);
const FLOOD = 1000;
/** Slots of the schedulers, two at most, on the stack. In those beside the packet others go on while it is looked at itself: some twice, on a busy machine more often. */
const BESIDE = 2 * SHARES.normal;
const ROUNDS = 4;

describe('A source that sends far more than the others', () => {
  let platform: Platform;
  let flooding: Party;
  let victim: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [flooding, victim, destination] = [
      await platform.makeParty(),
      await platform.makeParty(),
      await platform.makeParty(),
    ];
  });
  afterAll(() => platform?.stop());

  it('give-turns: has a bounded number of its packets analysed before that of another source, and all of them in the end', async () => {
    const { packetId } = await sendInline(flooding, destination);
    await packetIn(flooding, packetId, 'scheduled');
    // As many requests at once would say more about the machine than about the order: copies of a packet that was received, whose source did all it had to.
    await platform.sql(
      `WITH copies AS (
         INSERT INTO packets (id, source, state, title, priority, data_type, protocol, policy, recipients, space_expires_at, received_at, deliver_by)
         SELECT gen_random_uuid(), source, 'received', title, priority, data_type, protocol, policy, recipients, space_expires_at, now(), deliver_by
         FROM packets, generate_series(1, $2::int) WHERE id = $1 RETURNING id)
       INSERT INTO parts (packet_id, ordinal, name, media_type, size, sha256, object_key)
       SELECT copies.id, ordinal, name, media_type, size, sha256, copies.id || '/0' FROM copies, parts WHERE packet_id = $1`,
      [packetId, FLOOD],
    );
    const analysed = async () => {
      const [{ n }] = await platform.sql<{ n: number }>(
        `SELECT count(*)::int AS n FROM packets WHERE source = $1 AND analysed_at IS NOT NULL`,
        [flooding.systemId],
      );
      return n;
    };
    await eventually(async () => (await analysed()) > 1);
    const mine = await sendInline(victim, destination);
    await packetIn(victim, mine.packetId, 'scheduled', { within: 60_000 });

    const [{ before, beside, left }] = await platform.sql<{ before: number; beside: number; left: number }>(
      `SELECT count(*) FILTER (WHERE p.analysed_at > v.received_at AND p.turn_at <= v.turn_at)::int AS before,
              count(*) FILTER (WHERE p.analysed_at < v.analysed_at AND p.turn_at > v.turn_at)::int AS beside,
              count(*) FILTER (WHERE p.analysed_at IS NULL OR p.analysed_at > v.analysed_at)::int AS left
       FROM packets p, packets v WHERE p.source = $1 AND v.id = $2`,
      [flooding.systemId, mine.packetId],
    );
    console.info(
      `of ${FLOOD} packets of a flood ${before} had their turn before, ${beside} were done beside another source's`,
    );
    expect(left).toBeGreaterThan(IN_ANALYSIS);
    expect(before).toBeLessThanOrEqual(IN_ANALYSIS);
    expect(beside).toBeLessThanOrEqual(ROUNDS * BESIDE);
    await eventually(async () => (await analysed()) === FLOOD + 1, { within: 120_000 });
  });
});

describe('Destinations that are dead, and that read slowly', () => {
  const DEAD = 60;
  const DOWNLOADS = 40;
  let platform: Platform;
  const open: { request: ClientRequest; response: IncomingMessage }[] = [];

  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(async () => {
    for (const { request } of open) request.destroy();
    await platform?.stop();
  });

  /** The beginning of an answer, of which nothing is read: what follows waits in the sockets, and at whoever serves it. */
  const notRead = ({ url, headers }: Download) =>
    new Promise<(typeof open)[number]>((resolve, reject) => {
      const request = get(url, { headers, agent: false }, (response) => resolve({ request, response }));
      request.on('error', reject);
    });

  it('hold nothing but their own: packets of others are sent, fetched and confirmed meanwhile', async () => {
    const [source, dead, slow, other] = await Promise.all([1, 2, 3, 4].map(() => platform.makeParty()));
    const file = newFile(8 * 1024 * 1024);
    const { packetId } = await sendPut(source, slow, file);
    const delivery = await deliveryId(source, packetId, slow);
    const [content] = (await slow.client.deliveries.ready(delivery)).space.downloads;
    open.push(...(await Promise.all(Array.from({ length: DOWNLOADS }, () => notRead(content)))));
    const unreachable: string[] = [];
    for (let n = 0; n < DEAD; n += 1) unreachable.push((await sendInline(source, dead)).packetId);

    for (let n = 0; n < 10; n += 1) {
      const mine = await sendInline(source, other);
      expect((await receiveOne(other, mine.packetId)).state).toBe('accepted');
      await packetIn(source, mine.packetId, 'completed');
    }

    for (const { response } of open) {
      expect(response.statusCode).toBe(200);
      expect([response.complete, response.destroyed]).toEqual([false, false]);
    }
    for (const id of unreachable) await packetIn(source, id, 'scheduled');
    for (const { request } of open.splice(0)) request.destroy();
    expect((await accept(slow, delivery)).state).toBe('accepted');
  });
});
