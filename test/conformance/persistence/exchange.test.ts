import { randomUUID } from 'node:crypto';
import { LienThongError, type Task } from '@lienthong/contracts';
import {
  DeliveryStore,
  EventStreamStore,
  DeadTaskStore,
  OutboxStore,
  Overtaken,
  PacketListStore,
  type PacketRow,
  PacketStore,
  PlatformKeyStore,
  ReceiptStore,
  SettlePacket,
  TimelineStore,
  Transactions,
  type Unit,
  WatchStore,
  type WholePacket,
} from '@lienthong/persistence';
import { verifyReceipts } from '@lienthong/signing';
import { v7 as uuidv7 } from 'uuid';
import { testDatabase, type TestDatabase } from '../../support/database';

const SOURCE = 'H01.14/a';
const DESTINATIONS = ['H01.20/b', 'H01.31/c'];

describe('the exchange in PostgreSQL', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  let packets: PacketStore;
  let deliveries: DeliveryStore;
  let events: EventStreamStore;
  let timeline: TimelineStore;
  let receipts: ReceiptStore;
  let keys: PlatformKeyStore;
  let settle: SettlePacket;
  let outbox: OutboxStore;
  let watch: WatchStore;

  beforeAll(async () => {
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
    packets = new PacketStore(transactions);
    deliveries = new DeliveryStore(transactions);
    events = new EventStreamStore(transactions, 'https://lienthong.example');
    timeline = new TimelineStore(transactions);
    keys = new PlatformKeyStore(transactions, 'platform-secret-for-tests-only-0123456789');
    receipts = new ReceiptStore(transactions, keys, 'https://lienthong.example');
    settle = new SettlePacket(packets, deliveries, events, timeline);
    outbox = new OutboxStore(transactions);
    watch = new WatchStore(transactions);
    for (const id of [SOURCE, ...DESTINATIONS]) {
      const code = id.split('/')[0];
      await transactions.query(`INSERT INTO agencies (code, name, search) VALUES ($1, $1, '')`, [code]);
      await transactions.query(`INSERT INTO systems (id, agency_code, name, search) VALUES ($1, $2, $1, '')`, [
        id,
        code,
      ]);
    }
  }, 60_000);
  afterAll(() => database.drop(), 60_000);

  async function newPacket(
    over: { idempotencyKey?: string; keepAfterConfirmSeconds?: number } = {},
  ): Promise<PacketRow> {
    const id = uuidv7();
    await packets.insert({
      id,
      source: SOURCE,
      title: 'V/v thử nghiệm',
      priority: 'urgent',
      dataType: 'file',
      protocol: 'put',
      inReplyTo: null,
      policy: { keepAfterConfirmSeconds: over.keepAfterConfirmSeconds },
      recipients: DESTINATIONS.map((systemId) => ({
        address: systemId.split('/')[0],
        systemId,
        routedBy: 'default' as const,
      })),
      idempotencyKey: over.idempotencyKey ?? null,
      requestDigest: null,
      spaceSeconds: 60,
      parts: [
        {
          ordinal: 0,
          name: 'a.txt',
          mediaType: 'text/plain',
          size: 3,
          sha256: 'x'.repeat(43) + '=',
          objectKey: `k/${id}`,
        },
      ],
    });
    return (await packets.find(id)) as PacketRow;
  }

  async function scheduled(delayMs = 0): Promise<{ packet: PacketRow; ids: string[] }> {
    const { id } = await newPacket();
    const ids = await transactions.run(async (unit) => {
      const packet = (await packets.lock(unit, id)) as PacketRow;
      await packets.receive(unit, packet, packet.policy, new Date(Date.now() + 3_600_000));
      const held = (await packets.lock(unit, id)) as PacketRow;
      await deliveries.plan(unit, held, delayMs);
      await packets.schedule(unit, id);
      return (await deliveries.live(unit, id)).map((delivery) => delivery.id);
    });
    return { packet: (await packets.find(id)) as PacketRow, ids };
  }

  it('takes one packet per idempotency key, however many ask at once', async () => {
    // Not once: in the first round the pool is still connecting, and whoever has a connection goes alone.
    for (let round = 0; round < 10; round++) {
      const idempotencyKey = randomUUID();
      await Promise.all(Array.from({ length: 8 }, () => newPacket({ idempotencyKey }).catch(() => undefined)));
      const rows = await transactions.query('SELECT id FROM packets WHERE idempotency_key = $1', [idempotencyKey]);
      expect(rows).toHaveLength(1);
    }
  });

  it('changes a state only along the table of transitions, and says where the packet is otherwise', async () => {
    const { packet } = await scheduled();
    const again = transactions.run((unit) => packets.receive(unit, packet, {}, new Date()));
    await expect(again).rejects.toMatchObject({ code: 'wrong_state', members: { state: 'scheduled' } });
    await expect(again).rejects.toBeInstanceOf(LienThongError);
  });

  it('numbers the events of concurrent transactions without gaps, in the order in which they committed per stream', async () => {
    const systemId = `H01.99/${randomUUID().slice(0, 8)}`;
    const writers = Array.from({ length: 40 }, (_, n) =>
      transactions.run(async (unit) => {
        events.add(unit, [{ systemId, type: 'packet.status', data: { n, first: true } }]);
        await unit.query('SELECT pg_sleep($1)', [(n % 5) / 100]);
        events.add(unit, [{ systemId, type: 'packet.status', data: { n, first: false } }]);
      }),
    );
    const numbering = Promise.all(Array.from({ length: 20 }, () => events.number()));
    await Promise.all([...writers, numbering]);
    await Promise.all([events.number(), events.number()]);
    const all = await events.after(systemId, 0, 500);
    expect(all.map((event) => Number(event.offset))).toEqual(Array.from({ length: 80 }, (_, n) => n + 1));
    for (let n = 0; n < 40; n++) {
      const [first, second] = all.filter((event) => event.data.n === n);
      expect([first.data.first, second.data.first]).toEqual([true, false]);
    }
    expect(await events.position(systemId)).toEqual({ lastOffset: 80, ackedOffset: 0, forgotten: 0 });
  });

  it('gives each stream its own page, however many are asked for in one statement', async () => {
    const systemIds = Array.from({ length: 3 }, () => `H01.14/${uuidv7()}`);
    await transactions.run(async (unit) => {
      for (const systemId of systemIds.slice(0, 2))
        for (let n = 1; n <= 5; n++) events.add(unit, [{ systemId, type: 'packet.status', data: { systemId, n } }]);
    });
    await events.number();
    const [one, two, none] = systemIds;
    const pages = await events.afterEach([
      { systemId: two, after: 3, limit: 10 },
      { systemId: none, after: 0, limit: 10 },
      { systemId: one, after: 0, limit: 2 },
      { systemId: two, after: 0, limit: 1 },
      { systemId: one, after: 5, limit: 2 },
    ]);
    const said = pages.map((page) => page.map(({ data }) => data));
    expect(said).toEqual([
      [4, 5].map((n) => ({ systemId: two, n })),
      [],
      [1, 2].map((n) => ({ systemId: one, n })),
      [{ systemId: two, n: 1 }],
      [],
    ]);
  });

  it('makes deliveries notified by the acknowledgement of their event, never by a lower or an invented offset', async () => {
    const { packet, ids } = await scheduled(1);
    await transactions.query('SELECT pg_sleep(0.01)');
    await transactions.run(async (unit) => {
      const due = await deliveries.announce(unit, packet.id);
      expect(due.map(({ systemId }) => systemId).toSorted()).toEqual(DESTINATIONS);
      events.add(
        unit,
        due.map(({ deliveryId, systemId, data }) => ({
          systemId,
          type: 'packet.available' as const,
          packetId: packet.id,
          deliveryId,
          data: { ...data },
        })),
      );
      expect(await deliveries.announce(unit, packet.id)).toEqual([]);
    });
    await events.number();
    const { lastOffset } = await events.position(DESTINATIONS[0]);
    await events.acknowledge(DESTINATIONS[0], lastOffset - 1);
    expect((await deliveries.ofPacket(packet.id)).map(({ state }) => state)).toEqual(['pending', 'pending']);
    await events.acknowledge(DESTINATIONS[0], lastOffset + 1000);
    expect((await events.position(DESTINATIONS[0])).ackedOffset).toBe(lastOffset);
    const states = await deliveries.ofPacket(packet.id);
    expect(states.map(({ systemId, state }) => [systemId, state]).toSorted()).toEqual([
      [DESTINATIONS[0], 'notified'],
      [DESTINATIONS[1], 'pending'],
    ]);
    expect(ids).toHaveLength(2);
  });

  it('passes no event by an invented offset that comes while the event is being numbered', async () => {
    const { packet, ids } = await scheduled();
    const [systemId] = DESTINATIONS;
    const [{ id: deliveryId }] = await transactions.query<{ id: string }>(
      'SELECT id FROM deliveries WHERE id = ANY($1) AND system_id = $2',
      [ids, systemId],
    );
    const { lastOffset } = await events.position(systemId);
    await transactions.run(async (unit) => {
      await unit.query(`INSERT INTO streams (system_id) VALUES ($1) ON CONFLICT DO NOTHING`, [systemId]);
      events.add(unit, [{ systemId, type: 'packet.available', packetId: packet.id, deliveryId, data: {} }]);
    });
    let acknowledged: Promise<number> | undefined;
    await transactions.run(async (unit) => {
      await unit.query('UPDATE streams SET last_offset = $2 WHERE system_id = $1', [systemId, lastOffset + 1]);
      await unit.query('UPDATE events SET "offset" = $2 WHERE delivery_id = $1', [deliveryId, lastOffset + 1]);
      acknowledged = events.acknowledge(systemId, 1e9);
      for (let waiting = false; !waiting;)
        [{ waiting }] = await unit.query<{ waiting: boolean }>(
          `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))) AS waiting`,
        );
    });
    await acknowledged;
    expect((await events.position(systemId)).ackedOffset).toBe(lastOffset);
    await events.acknowledge(systemId, lastOffset + 1);
    const told = (await deliveries.ofPacket(packet.id)).find((delivery) => delivery.deliveryId === deliveryId);
    expect(told?.state).toBe('notified');
  });

  it('writes nothing of a unit whose change does not meet its row, with one statement or several', async () => {
    const { packet } = await scheduled();
    const before = await timeline.of(packet.id);
    const tell = (unit: Unit) => {
      timeline.add(unit, packet.id, [{ event: 'packet.received' }]);
      unit.enqueue({ v: 1, kind: 'notify-destination', packetId: packet.id }, 'normal');
      return packets.receive(unit, packet, {}, new Date());
    };
    await expect(transactions.run(tell)).rejects.toMatchObject({ code: 'wrong_state' });
    const held = transactions.run(async (unit) => {
      await packets.lock(unit, packet.id);
      await tell(unit);
    });
    await expect(held).rejects.toMatchObject({ code: 'wrong_state' });
    expect(await timeline.of(packet.id)).toEqual(before);
    const tasks = await transactions.query(
      `SELECT 1 FROM outbox WHERE packet_id = $1 AND kind = 'notify-destination'`,
      [packet.id],
    );
    expect(tasks).toEqual([]);
  });

  it('makes a delivery ready only on the chain of receipts that it was signed for, and once', async () => {
    const { packet, ids } = await scheduled();
    const [first, second] = await Promise.all(
      ids.map(async (id) => {
        const [{ systemId }] = await transactions.query<{ systemId: string }>(
          'SELECT system_id AS "systemId" FROM deliveries WHERE id = $1',
          [id],
        );
        return { id, systemId, seen: await deliveries.read(systemId, id) };
      }),
    );
    const ready = ({ seen, systemId }: typeof first) =>
      transactions.run(async (unit) => {
        await receipts.append(unit, { ...seen.packet }, [{ event: 'delivery.ready', to: [systemId], parts: [] }]);
        await deliveries.makeReady(unit, seen);
      });
    const both = await Promise.allSettled([ready(first), ready(second), ready(first)]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of both) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(Overtaken);
    for (const one of [first, second]) {
      const seen = await deliveries.read(one.systemId, one.id);
      if (seen.delivery.state === 'pending') await ready({ ...one, seen });
    }
    expect((await deliveries.ofPacket(packet.id)).map(({ state }) => state)).toEqual(['ready', 'ready']);
    const result = await verifyReceipts(await receipts.bundle(packet.id), await keys.jwks());
    expect(result).toMatchObject({ valid: true, problems: [] });
    expect(result.claims).toHaveLength(2);
    await expect(deliveries.read(second.systemId, first.id)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('completes a packet exactly once when its deliveries end at the same moment (50 races)', async () => {
    for (let race = 0; race < 50; race++) {
      const { packet, ids } = await scheduled();
      await transactions.query(`UPDATE deliveries SET state = 'ready' WHERE packet_id = $1`, [packet.id]);
      const completed = await Promise.all(
        ids.map((id) =>
          transactions.run(async (unit) => {
            const held = (await packets.lock(unit, packet.id)) as PacketRow;
            await deliveries.change(unit, [id], 'accepted');
            return settle.ifAllFinal(unit, held);
          }),
        ),
      );
      expect(completed.filter(Boolean)).toHaveLength(1);
      expect((await packets.find(packet.id))?.state).toBe('completed');
    }
    const tasks = await transactions.query<{ n: string }>(
      `SELECT count(*) AS n FROM outbox WHERE kind = 'purge-content'`,
    );
    expect(Number(tasks[0].n)).toBe(50);
    const counts = await packets.countsOf(SOURCE);
    expect(counts.completed).toBe(50);
    for (let n = 0; n < 3; n++) await watch.forget(1e9, 1000);
    expect((await packets.countsOf(SOURCE)).completed).toBe(50);
  });

  it('records a purge once, and only on the chain of receipts that it was signed for', async () => {
    const { packet, ids } = await scheduled();
    await transactions.run(async (unit) => {
      const held = (await packets.lock(unit, packet.id)) as PacketRow;
      await deliveries.change(unit, ids, 'undeliverable');
      await receipts.append(unit, held, [{ event: 'packet.accepted', to: DESTINATIONS, parts: [] }]);
      await packets.finish(unit, held, 'completed');
    });
    const purge = (known: PacketRow) =>
      transactions.run(async (unit) => {
        const copy = { ...known };
        await receipts.append(unit, copy, [{ event: 'packet.purged', to: [], parts: [] }]);
        await packets.markPurged(unit, copy, known.receiptHash);
      });
    await expect(purge(packet)).rejects.toBeInstanceOf(Overtaken);
    const whole = (await packets.findWhole(packet.id)) as WholePacket;
    expect(whole.deliveries.map(({ systemId }) => systemId).toSorted()).toEqual(DESTINATIONS);
    const both = await Promise.allSettled([purge(whole.packet), purge(whole.packet)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const result = await verifyReceipts(await receipts.bundle(packet.id), await keys.jwks());
    expect(result).toMatchObject({ valid: true, problems: [] });
    expect(result.claims).toHaveLength(2);
  });

  it('chains the receipts of a packet, verifiable with the published keys alone', async () => {
    const { packet } = await scheduled();
    for (let n = 0; n < 3; n++)
      await transactions.run(async (unit) => {
        const held = (await packets.lock(unit, packet.id)) as PacketRow;
        await receipts.append(unit, held, [
          { event: 'delivery.ready', to: DESTINATIONS, parts: [] },
          { event: 'delivery.accepted', to: DESTINATIONS, parts: [] },
        ]);
      });
    const bundle = await receipts.bundle(packet.id);
    const result = await verifyReceipts(bundle, await keys.jwks());
    expect(result).toMatchObject({ valid: true, problems: [] });
    expect(result.claims).toHaveLength(6);
    bundle.receipts.splice(2, 1);
    expect((await verifyReceipts(bundle, await keys.jwks())).valid).toBe(false);
  });

  it('finds lost work once per quiet time, and leaves what is in the dead letters to a person', async () => {
    const fresh = await newPacket();
    await transactions.run((unit) => packets.receive(unit, fresh, {}, new Date(Date.now() + 3_600_000)));
    const mine = (found: { task: { packetId: string } }[]) => found.filter(({ task }) => task.packetId === fresh.id);
    expect(mine(await watch.lost(60, 500))).toEqual([]);
    await transactions.query(
      `UPDATE packets SET driven_at = now() - interval '5 min', turn_at = now() - interval '5 min' WHERE id = $1`,
      [fresh.id],
    );
    expect(mine(await watch.lost(60, 500))).toEqual([
      { task: { v: 1, kind: 'analyse-packet', packetId: fresh.id }, priority: 'urgent' },
    ]);
    expect(mine(await watch.lost(60, 500))).toEqual([]);
    const task: Task = { v: 1, kind: 'analyse-packet', packetId: fresh.id };
    await new DeadTaskStore(transactions).bury([{ id: uuidv7(), task, attempt: 12, reason: 'x' }]);
    await transactions.query(`UPDATE packets SET driven_at = now() - interval '5 min' WHERE id = $1`, [fresh.id]);
    expect(mine(await watch.lost(60, 500))).toEqual([]);
  });

  it('gives an outbox row to one relay at a time', async () => {
    await transactions.query(`UPDATE outbox SET available_at = now() - interval '1 s'`);
    const claims = await Promise.all(Array.from({ length: 4 }, () => outbox.claim(20)));
    const ids = claims.flat().map((row) => row.id);
    expect(ids.length).toBeGreaterThan(20);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('lists a source’s packets newest first, by state, recipient, time and words of the title', async () => {
    const list = new PacketListStore(transactions);
    const { id } = await newPacket();
    const [first] = await list.list(SOURCE, { limit: 1 });
    expect(first).toMatchObject({ packetId: id, state: 'open', to: ['H01.20', 'H01.31'], priority: 'urgent' });
    expect(await list.list(SOURCE, { limit: 5, q: '100%' })).toEqual([]);
    expect(await list.list(SOURCE, { limit: 5, q: 'THU nghiệm', to: DESTINATIONS[1], states: ['open'] })).not.toEqual(
      [],
    );
    expect(await list.list('H01.20/b', { limit: 5 })).toEqual([]);
  });

  it('reads every list that is polled or scanned along a partial index', async () => {
    await transactions.query('ANALYZE');
    const plans = async (sql: string, parameters: unknown[]) =>
      JSON.stringify(
        await transactions.run(async (unit) => {
          await unit.query('SET LOCAL enable_seqscan = off');
          return unit.query(`EXPLAIN (FORMAT JSON) ${sql}`, parameters);
        }),
      );
    expect(
      await plans(
        `SELECT id FROM deliveries WHERE system_id = $1 AND state IN ('pending','notified','ready') ORDER BY priority DESC, id LIMIT 50`,
        ['x'],
      ),
    ).toContain('deliveries_waiting');
    expect(await plans(`SELECT seq FROM events WHERE "offset" IS NULL ORDER BY seq LIMIT 1000`, [])).toContain(
      'events_to_number',
    );
    expect(
      await plans(
        `SELECT id FROM packets WHERE purged_at IS NULL AND purge_after IS NOT NULL AND purge_after < now() LIMIT 5`,
        [],
      ),
    ).toContain('packets_to_purge');
  });
});
