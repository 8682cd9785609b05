import { accept, deliveryId, newFile, openSpace, packetIn, purged, put, sendInline } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(180_000);
/** The sweeper looks every 15 s; what it sends again goes on at once. */
const SWEPT = { within: 60_000 };

/** What a broker that lost everything leaves behind: a state in PostgreSQL, no task anywhere. No call of the API can bring that about, so it is written by SQL. */
describe('Work whose task the broker lost (sweep-lost-work, relay-outbox)', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  it('goes on from received: analysed, planned, announced, and delivered', async () => {
    const { packetId, uploads, files } = await openSpace(source, destination, newFile(4000));
    expect((await put(uploads[0], files[0].bytes)).status).toBe(200);
    await platform.sql(
      `UPDATE packets SET state = 'received', received_at = now() - interval '5 min', turn_at = now() - interval '5 min', driven_at = now() - interval '5 min',
              deliver_by = now() + interval '1 day' WHERE id = $1`,
      [packetId],
    );
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
});
