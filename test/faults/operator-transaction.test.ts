import { Client } from 'pg';
import { eventually } from '../support/eventually';
import { accept, deliveryId, packetIn, purged, sendInline } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(180_000);

/** Somebody has opened a transaction by hand, changed a row, and gone to lunch. */
describe("An operator's transaction that stays open", () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;
  let operator: Client;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  beforeEach(async () => {
    operator = new Client({ connectionString: platform.databaseUrl() });
    await operator.connect();
    await operator.query('BEGIN');
  });
  afterEach(() => operator.end());
  afterAll(() => platform?.stop());

  const delivered = async (packetId: string) => {
    await accept(destination, await eventually(() => deliveryId(source, packetId, destination)));
    await purged(source, packetId);
  };
  const sealed = async (packetIds: string[]) => {
    const [{ n }] = await platform.sql<{ n: number }>(
      `SELECT count(*)::int AS n FROM audit_entries e JOIN audit_leaves l ON l.entry_id = e.id WHERE e.packet_id = ANY($1) AND e.action = 'packet.open'`,
      [packetIds],
    );
    return n;
  };

  it('holds up no packet; the audit log is sealed behind it, with nothing left out', async () => {
    const other = await platform.makeParty();
    await operator.query('UPDATE systems SET name = name WHERE id = $1', [other.systemId]);
    const packetIds: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { packetId } = await sendInline(source, destination);
      await delivered(packetId);
      packetIds.push(packetId);
    }
    expect(await sealed(packetIds)).toBe(0);
    await operator.query('COMMIT');
    await eventually(async () => (await sealed(packetIds)) === 5, { within: 60_000 });
  });

  it('answers 503 to who needs the row that it holds, serves everybody else, and goes on when it ends', async () => {
    const { packetId } = await sendInline(source, destination);
    const delivery = await eventually(() => deliveryId(source, packetId, destination));
    await destination.client.deliveries.ready(delivery);
    await operator.query('SELECT 1 FROM packets WHERE id = $1 FOR UPDATE', [packetId]);
    const body = { outcome: 'rejected', parts: [], reasonCode: 'other' };
    const asked = performance.now();
    const refused = await platform.fetch(`/v1/deliveries/${delivery}/confirm`, {
      method: 'POST',
      body,
      key: destination.key,
    });
    expect(refused).toMatchObject({ status: 503, json: { code: 'unavailable' } });
    console.info(`a row held for ever: 503 after ${Math.round(performance.now() - asked)} ms to who needs it`);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const another = await sendInline(source, destination);
    await delivered(another.packetId);
    await operator.query('ROLLBACK');
    await accept(destination, delivery);
    await packetIn(source, packetId, 'completed');
  });
});
