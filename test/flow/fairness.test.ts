import { IN_ANALYSIS } from '@lienthong/persistence';
import { SHARES } from '@lienthong/queue';
import { eventually } from '../support/eventually';
import { packetIn, sendInline } from '../support/exchange';
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
