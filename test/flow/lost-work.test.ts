import { task } from '@lienthong/contracts';
import { asAdministrator } from '../support/command-line';
import { giveUp } from '../support/dead-letter';
import { eventually } from '../support/eventually';
import { accept, deliveryId, newFile, openSpace, packetIn, purged, put, sendInline } from '../support/exchange';
import { onRealStack, type Party, type Platform, startPlatform, startStandalone } from '../support/platform';

jest.setTimeout(180_000);
/** On the real stack the sweeper looks every 15 s; what it sends again goes on at once. */
const SWEPT = { within: 60_000 };

/** What a broker that lost everything leaves behind: a state in PostgreSQL, no task anywhere. No call of the API can bring that about, so it is written by SQL. */
describe('Work whose task the broker lost (sweep-lost-work, relay-outbox)', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await (onRealStack ? startPlatform() : startStandalone({ SWEEP_QUIET_SECONDS: '4' }));
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  /** A packet that is received, and that nobody was told to analyse. @param driven when the sweeper sent its task last */
  async function received(driven: string): Promise<string> {
    const { packetId, uploads, files } = await openSpace(source, destination, newFile(4000));
    expect((await put(uploads[0], files[0].bytes)).status).toBe(200);
    await platform.sql(
      `UPDATE packets SET state = 'received', received_at = now() - interval '5 min', turn_at = now() - interval '5 min', driven_at = now() + $2::interval,
              deliver_by = now() + interval '1 day' WHERE id = $1`,
      [packetId, driven],
    );
    return packetId;
  }

  it('goes on from received: analysed, planned, announced, and delivered', async () => {
    const packetId = await received('-5 min');
    await packetIn(source, packetId, 'scheduled', SWEPT);
    const { receipts } = await source.client.packets.receipts(packetId);
    expect(receipts.map(({ event }) => event)).toEqual(['packet.accepted']);
    await accept(destination, await deliveryId(source, packetId, destination));
    await packetIn(source, packetId, 'completed');
  });

  it('purges content whose purge was never sent', async () => {
    const { packetId } = await sendInline(source, destination, { policy: { keepAfterConfirmSeconds: 3600 } });
    await accept(destination, await deliveryId(source, packetId, destination));
    await packetIn(source, packetId, 'completed');
    await platform.sql(
      `UPDATE packets SET purge_after = now() - interval '5 min', driven_at = now() - interval '5 min' WHERE id = $1`,
      [packetId],
    );
    await purged(source, packetId, SWEPT);
  });

  it('sends what was left in the outbox by a process that died before it could', async () => {
    const { packetId, uploads, files } = await openSpace(source, destination, newFile(4000));
    expect((await put(uploads[0], files[0].bytes)).status).toBe(200);
    await platform.sql(
      `WITH received AS (UPDATE packets SET state = 'received', received_at = now(), turn_at = now(), deliver_by = now() + interval '1 day' WHERE id = $1)
       INSERT INTO outbox (id, kind, packet_id, priority, attempt, available_at) VALUES (gen_random_uuid(), 'analyse-packet', $1, 0, 1, now())`,
      [packetId],
    );
    await packetIn(source, packetId, 'scheduled', { within: 15_000 });
  });

  it('bury-dead-letters: what the broker gave up for good is listed with the reason, not swept again, and goes on when it is replayed (A54)', async () => {
    const [poison, neighbour] = [await received('1 hour'), await received('1 hour')];
    await giveUp(platform, task('analyse-packet', poison), 12);
    const { deadTasks } = platform.admin.admin;
    const dead = await eventually(async () => (await deadTasks.list({ packetId: poison }).next()).value, SWEPT);
    expect(dead).toMatchObject({
      kind: 'analyse-packet',
      attempt: 12,
      reason: expect.stringMatching(/^taken 50 times/),
    });

    // Both have stood still for long: the sweeper looks at both at once, and sends one.
    await platform.sql(`UPDATE packets SET driven_at = now() - interval '5 min' WHERE id = ANY($1)`, [
      [poison, neighbour],
    ]);
    await packetIn(source, neighbour, 'scheduled', SWEPT);
    expect((await source.client.packets.get(poison)).state).toBe('received');
    expect(await platform.sql('SELECT 1 FROM outbox WHERE packet_id = $1', [poison])).toEqual([]);
    expect(await source.client.packets.stuck()).toEqual([
      expect.objectContaining({ packetId: poison, reason: 'given_up', state: 'received' }),
    ]);

    expect(await asAdministrator(platform, 'admin', 'dead-tasks', 'replay', dead.taskId)).toBe(
      '✓ 1 tasks will be tried again.\n',
    );
    await packetIn(source, poison, 'scheduled');
  });

  it('bury-dead-letters: what the broker gave up for the first time is tried again by itself, as a later attempt', async () => {
    const packetId = await received('1 hour');
    await giveUp(platform, task('analyse-packet', packetId), 1);
    const [{ attempt, seconds }] = await eventually(async () => {
      const rows = await platform.sql<{ attempt: number; seconds: number }>(
        'SELECT attempt, extract(epoch FROM available_at - created_at)::float8 AS seconds FROM outbox WHERE packet_id = $1',
        [packetId],
      );
      return rows.length > 0 && rows;
    }, SWEPT);
    expect(attempt).toBe(7);
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThanOrEqual(61);
    await platform.sql('UPDATE outbox SET available_at = now() WHERE packet_id = $1', [packetId]);
    await packetIn(source, packetId, 'scheduled');
    expect((await platform.admin.admin.deadTasks.list({ packetId }).next()).done).toBe(true);
  });
});
