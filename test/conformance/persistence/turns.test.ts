import { type Priority } from '@lienthong/contracts';
import { IN_ANALYSIS, PacketStore, Transactions, TurnStore, WatchStore } from '@lienthong/persistence';
import { v7 as uuidv7 } from 'uuid';
import { testDatabase, type TestDatabase } from '../../support/database';

const HOUR_MS = 3_600_000;

describe('turns in the analysis', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  let packets: PacketStore;
  let turns: TurnStore;
  const sourceOf = new Map<string, string>();

  beforeAll(async () => {
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
    packets = new PacketStore(transactions);
    turns = new TurnStore(transactions);
    for (const code of ['H01.14', 'H01.15', 'H01.16', 'H01.99']) {
      await transactions.query(`INSERT INTO agencies (code, name, search) VALUES ($1, $1, '')`, [code]);
      await transactions.query(`INSERT INTO systems (id, agency_code, name, search) VALUES ($1, $2, $1, '')`, [
        `${code}/a`,
        code,
      ]);
    }
  }, 60_000);
  afterAll(() => database.drop(), 60_000);
  beforeEach(() => transactions.query('TRUNCATE packets CASCADE'));

  /** A packet that is received as the connector does it. */
  async function received(source: string, priority: Priority = 'normal'): Promise<string> {
    const packet = await packets.insert({
      id: uuidv7(),
      source,
      title: 'V/v thử nghiệm',
      priority,
      dataType: 'file',
      protocol: 'put',
      inReplyTo: null,
      policy: {},
      recipients: [{ address: 'H01.99', systemId: 'H01.99/a', routedBy: 'default' }],
      idempotencyKey: null,
      requestDigest: Buffer.alloc(32),
      spaceSeconds: 3600,
      parts: [],
    });
    if (!packet) throw new Error('no packet was made');
    const waits = await turns.mustWait(packet);
    await transactions.run((unit) =>
      packets.receive(unit, packet, {}, new Date(Date.now() + HOUR_MS), packet.policySources, waits),
    );
    sourceOf.set(packet.id, source);
    return packet.id;
  }

  async function flood(source: string, count: number, priority?: Priority): Promise<string[]> {
    const ids: string[] = [];
    while (ids.length < count) ids.push(await received(source, priority));
    return ids;
  }

  const withTurn = async (): Promise<string[]> => {
    const rows = await transactions.query<{ id: string }>(
      `SELECT id FROM packets WHERE state = 'received' AND turn_at IS NOT NULL ORDER BY id`,
    );
    return rows.map(({ id }) => id);
  };
  const give = () => transactions.run((unit) => turns.give(unit));
  const analysed = (ids: string[]) =>
    transactions.run(async (unit) => {
      for (const id of ids) await packets.schedule(unit, id);
    });

  it(`has no more than ${IN_ANALYSIS} packets of a source and class in the analysis, and lets every other packet pass`, async () => {
    const flooded = await flood('H01.14/a', IN_ANALYSIS + 20);
    const other = await received('H01.15/a');
    const urgent = await received('H01.14/a', 'urgent');
    expect(await withTurn()).toEqual([...flooded.slice(0, IN_ANALYSIS), other, urgent].toSorted());
    expect(await give()).toEqual([]);
  });

  it('gives as many turns as packets have left the analysis, to those that came first', async () => {
    const flooded = await flood('H01.14/a', IN_ANALYSIS + 20);
    await analysed(flooded.slice(0, 5));
    expect((await give()).map(({ packetId }) => packetId)).toEqual(flooded.slice(IN_ANALYSIS, IN_ANALYSIS + 5));
    expect(await withTurn()).toEqual(flooded.slice(5, IN_ANALYSIS + 5));
    expect(await turns.anyWaits()).toBe(true);
    expect([await turns.atLeast(15), await turns.atLeast(16)]).toEqual([true, false]);
    expect(await turns.depths()).toEqual([{ priority: 'normal', waiting: 15, oldestSeconds: expect.any(Number) }]);
    await analysed(flooded.slice(5, IN_ANALYSIS + 5));
    expect(await give()).toHaveLength(15);
    expect(await turns.anyWaits()).toBe(false);
  });

  it('gives each line its own turns, however long the others are', async () => {
    const lines = ['H01.14/a', 'H01.15/a', 'H01.16/a'];
    const ids: string[][] = [];
    for (const source of lines) ids.push(await flood(source, IN_ANALYSIS + 10));
    await analysed(ids.flatMap((line) => line.slice(0, 4)));
    const given = await give();
    expect(lines.map((source) => given.filter(({ packetId }) => sourceOf.get(packetId) === source).length)).toEqual([
      4, 4, 4,
    ]);
  });

  it('counts the room of a line once, in however many processes turns are given', async () => {
    const flooded = await flood('H01.14/a', IN_ANALYSIS + 30);
    await analysed(flooded.slice(0, 8));
    const given = await Promise.all(Array.from({ length: 6 }, give));
    expect(given.flat()).toHaveLength(8);
    expect(await withTurn()).toHaveLength(IN_ANALYSIS);
  });

  it('does not keep a place for a packet whose analysis stands still', async () => {
    const flooded = await flood('H01.14/a', IN_ANALYSIS + 3);
    await transactions.query(`UPDATE packets SET turn_at = now() - interval '6 minutes' WHERE id = ANY($1)`, [
      flooded.slice(0, 2),
    ]);
    expect((await give()).map(({ packetId }) => packetId)).toEqual(flooded.slice(IN_ANALYSIS, IN_ANALYSIS + 2));
  });

  it('takes what was received without a turn, by whoever died, for waiting', async () => {
    const id = await received('H01.14/a');
    await transactions.query('UPDATE packets SET turn_at = NULL WHERE id = $1', [id]);
    expect(await give()).toEqual([{ packetId: id, priority: 'normal' }]);
  });

  it('leaves those that wait alone when it looks for lost work, and those that just got their turn', async () => {
    const flooded = await flood('H01.14/a', IN_ANALYSIS + 3);
    await transactions.query(
      `UPDATE packets SET received_at = now() - interval '1 hour', driven_at = now() - interval '1 hour',
              turn_at = CASE WHEN turn_at IS NOT NULL THEN now() - interval '2 minutes' END`,
    );
    await analysed(flooded.slice(0, 1));
    await give();
    const lost = await new WatchStore(transactions).lost(60, 500);
    expect(lost.map(({ task }) => task.packetId).toSorted()).toEqual(flooded.slice(1, IN_ANALYSIS));
  });

  it('looks at one entry of an index per line, not at each packet that waits', async () => {
    await flood('H01.14/a', IN_ANALYSIS);
    await transactions.query(
      `INSERT INTO packets (id, source, state, title, priority, data_type, protocol, recipients, space_expires_at, received_at)
       SELECT gen_random_uuid(), 'H01.14/a', 'received', '', 0, 'file', 'put', '[]', now(), now() FROM generate_series(1, 20000)`,
    );
    await transactions.query('ANALYZE packets');
    const tuples = await transactions.run(async (unit) => {
      const count = async () => {
        const [{ n }] = await unit.query<{ n: string }>(
          `SELECT pg_stat_get_xact_tuples_returned(indexrelid) AS n FROM pg_stat_user_indexes WHERE indexrelname = 'packets_to_get_turn'`,
        );
        return Number(n);
      };
      const before = await count();
      expect(await turns.give(unit)).toEqual([]);
      return (await count()) - before;
    });
    expect(tuples).toBeGreaterThan(0);
    expect(tuples).toBeLessThan(10);
  });
});
