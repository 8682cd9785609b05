import {
  EventStreamStore,
  OutboxStore,
  type PacketRow,
  PacketStore,
  PlatformKeyStore,
  PurgeBacklogStore,
  ReceiptStore,
  TimelineStore,
  Transactions,
  type Unit,
} from '@lienthong/persistence';
import { Client } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { testDatabase, type TestDatabase } from '../../support/database';

const SOURCE = 'H01.14/a';

describe('The outbox in PostgreSQL', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  let packets: PacketStore;
  let events: EventStreamStore;
  let receipts: ReceiptStore;
  let timeline: TimelineStore;

  beforeAll(async () => {
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
    packets = new PacketStore(transactions);
    events = new EventStreamStore(transactions, 'https://lienthong.example');
    const keys = new PlatformKeyStore(transactions, 'platform-secret-for-tests-only-0123456789');
    receipts = new ReceiptStore(transactions, keys, 'https://lienthong.example');
    timeline = new TimelineStore(transactions);
    await transactions.query(`INSERT INTO agencies (code, name, search) VALUES ('H01.14', 'H01.14', '')`);
    await transactions.query(`INSERT INTO systems (id, agency_code, name, search) VALUES ($1, 'H01.14', $1, '')`, [
      SOURCE,
    ]);
  }, 60_000);
  afterAll(() => database.drop(), 60_000);

  async function openPacket(): Promise<PacketRow> {
    const packet = await packets.insert({
      id: uuidv7(),
      source: SOURCE,
      title: 'V/v thử nghiệm',
      priority: 'normal',
      dataType: 'file',
      protocol: 'put',
      inReplyTo: null,
      policy: {},
      recipients: [],
      idempotencyKey: null,
      requestDigest: null,
      spaceSeconds: 60,
      parts: [],
    });
    return packet as PacketRow;
  }

  /** A step with all that a step may leave: a state, an audit entry, an event, a receipt, a count, a task. */
  async function recall(unit: Unit, packet: PacketRow): Promise<void> {
    await receipts.append(unit, packet, [{ event: 'packet.recalled', to: [], parts: [] }]);
    await packets.finish(unit, packet, 'recalled');
    timeline.add(unit, packet.id, [{ event: 'packet.recalled' }]);
    events.add(unit, [{ systemId: SOURCE, type: 'packet.recalled', packetId: packet.id, data: {} }]);
  }

  /** What is on record of a packet: its state, and the rows of each table. */
  async function recordOf({ id }: PacketRow): Promise<Record<string, string>> {
    const [row] = await transactions.query<Record<string, string>>(
      `SELECT state, receipt_hash AS hash, (SELECT count(*) FROM outbox WHERE packet_id = $1) AS outbox,
              (SELECT count(*) FROM events WHERE packet_id = $1) AS events, (SELECT count(*) FROM receipts WHERE packet_id = $1) AS receipts,
              (SELECT count(*) FROM audit_entries WHERE packet_id = $1) AS audit, (SELECT coalesce(sum(n), 0) FROM finished_packets) AS finished
       FROM packets WHERE id = $1`,
      [id],
    );
    return row;
  }

  const steps: [string, (packet: PacketRow) => Promise<void>][] = [
    ['in one statement', (packet) => transactions.run((unit) => recall(unit, { ...packet }))],
    [
      'in several',
      (packet) =>
        transactions.run(async (unit) => {
          const held = await packets.lock(unit, packet.id);
          await recall(unit, held as PacketRow);
        }),
    ],
  ];
  describe.each(steps)('a step written %s', (_how, step) => {
    it.each(['outbox', 'events', 'receipts', 'audit_entries', 'finished_packets'])(
      'leaves nothing at all when there is no room in %s',
      async (table) => {
        const packet = await openPacket();
        const before = await recordOf(packet);
        await transactions.query(
          `CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$`,
        );
        await transactions.query(
          `CREATE TRIGGER no_room BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION no_room()`,
        );
        try {
          await expect(step(packet)).rejects.toThrow('no room');
        } finally {
          await transactions.query(`DROP TRIGGER no_room ON ${table}`);
        }
        expect(await recordOf(packet)).toEqual(before);

        await step(packet);
        const finished = String(Number(before.finished) + 1);
        expect(await recordOf(packet)).toMatchObject({
          state: 'recalled',
          outbox: '1',
          events: '1',
          receipts: '1',
          finished,
        });
      },
    );
  });

  it('tells how much of it is unsent and since when the oldest is due, by which new work is refused', async () => {
    const outbox = new OutboxStore(transactions);
    await transactions.query(`DELETE FROM outbox`);
    expect([await outbox.atLeast(1), await outbox.overdueSeconds()]).toEqual([false, 0]);
    for (const due of ['0 s', '90 s', '-1 h'])
      await transactions.query(
        `INSERT INTO outbox (id, kind, packet_id, priority, attempt, available_at) VALUES ($1, 'purge', $2, 0, 1, now() - $3::interval)`,
        [uuidv7(), (await openPacket()).id, due],
      );
    expect([await outbox.atLeast(3), await outbox.atLeast(4)]).toEqual([true, false]);
    expect(Math.floor(await outbox.overdueSeconds())).toBe(90);
  });

  /** Work that waits, the first time, until as many others have come as far. */
  function meeting(parties: number): () => Promise<void> {
    let coming = parties;
    let open = () => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    return () => {
      coming -= 1;
      if (coming <= 0) open();
      return opened;
    };
  }

  const begins: [string, (work: (unit: Unit) => Promise<void>) => Promise<void>][] = [
    ['run', (work) => transactions.run(work)],
    ['runWithEntities', (work) => transactions.runWithEntities(work)],
  ];
  describe.each(begins)('work of %s that meets other work', (_name, begin) => {
    /** What must be written once, however often the work was begun. */
    const tell = (unit: Unit, { id }: PacketRow) => timeline.add(unit, id, [{ event: 'packet.recalled' }]);
    const written = (...rows: PacketRow[]) =>
      transactions.query<{ title: string; entries: string }>(
        `SELECT title, (SELECT count(*) FROM audit_entries a WHERE a.packet_id = p.id AND a.action = 'packet.recalled') AS entries FROM packets p WHERE id = ANY($1)`,
        [rows.map(({ id }) => id)],
      );
    const extend = (unit: Unit, { id }: PacketRow, text: string) =>
      unit.query('UPDATE packets SET title = title || $2 WHERE id = $1', [id, text]);

    it('in a deadlock is done again, and both are done once', async () => {
      const [one, other] = [await openPacket(), await openPacket()];
      const met = meeting(2);
      let begun = 0;
      const crossing = (first: PacketRow, second: PacketRow, text: string) =>
        begin(async (unit) => {
          begun += 1;
          await extend(unit, first, text);
          await met();
          await extend(unit, second, text);
          tell(unit, first);
        });
      await Promise.all([crossing(one, other, ' A'), crossing(other, one, ' B')]);
      expect(begun).toBe(3);
      for (const { title, entries } of await written(one, other)) {
        expect(['V/v thử nghiệm A B', 'V/v thử nghiệm B A']).toContain(title);
        expect(entries).toBe('1');
      }
    });

    it('that cannot be serialized with it is done again, on what the other has left', async () => {
      const packet = await openPacket();
      const met = meeting(2);
      let begun = 0;
      const adding = (text: string) =>
        begin(async (unit) => {
          begun += 1;
          await unit.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
          const [{ title }] = await unit.query<{ title: string }>('SELECT title FROM packets WHERE id = $1', [
            packet.id,
          ]);
          await met();
          await unit.query('UPDATE packets SET title = $2 WHERE id = $1', [packet.id, title + text]);
          tell(unit, packet);
        });
      await Promise.all([adding(' A'), adding(' B')]);
      expect(begun).toBe(3);
      const [{ title, entries }] = await written(packet);
      expect(['V/v thử nghiệm A B', 'V/v thử nghiệm B A']).toContain(title);
      expect(entries).toBe('2');
    });

    it('is given up the third time, and says what it was', async () => {
      let begun = 0;
      const failing = begin(async (unit) => {
        begun += 1;
        await unit.query(`DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$`);
      });
      await expect(failing).rejects.toMatchObject({ code: '40P01' });
      expect(begun).toBe(3);
    });
  });

  it('keeps no task from the relay because newer ones were committed and taken before it', async () => {
    const outbox = new OutboxStore(transactions);
    await transactions.query('DELETE FROM outbox');
    const add = (seconds: number) =>
      `INSERT INTO outbox (id, kind, packet_id, priority, attempt, available_at)
       VALUES (gen_random_uuid(), 'analyse-packet', gen_random_uuid(), 0, 1, now() - make_interval(secs => ${seconds})) RETURNING id`;
    const slow = new Client({ connectionString: database.url });
    await slow.connect();
    try {
      await slow.query('BEGIN');
      const { rows } = await slow.query<{ id: string }>(add(5));
      const newer = await transactions.query<{ id: string }>(add(1));
      expect(Math.round(await outbox.overdueSeconds())).toBe(1);
      expect((await outbox.claim(10)).map(({ id }) => id)).toEqual([newer[0].id]);
      expect(await outbox.overdueSeconds()).toBe(0);
      await slow.query('COMMIT');
      expect((await outbox.claim(10)).map(({ id }) => id)).toEqual([rows[0].id]);
      expect(await outbox.claim(10)).toEqual([]);
    } finally {
      await slow.end();
    }
  });

  it('tells how long content has been due to be deleted and is not, and of how many packets for too long, blocked ones too', async () => {
    const backlog = new PurgeBacklogStore(transactions);
    const none = await backlog.look(600, 10);
    const due = async (seconds: number, more = '') => {
      const { id } = await openPacket();
      await transactions.query(
        `UPDATE packets SET purge_after = now() - make_interval(secs => $2) ${more} WHERE id = $1`,
        [id, seconds],
      );
    };
    await due(-60);
    await due(700, ', purged_at = now()');
    expect(await backlog.look(600, 10)).toEqual({
      overdueSeconds: expect.closeTo(none.overdueSeconds, -1),
      late: none.late,
    });
    await due(630);
    await due(610, ', purge_blocked_at = now()');
    await due(590);
    expect(await backlog.look(600, 10)).toEqual({ overdueSeconds: expect.closeTo(630, -1), late: none.late + 2 });
    expect(await backlog.look(600, 1)).toMatchObject({ late: 1 });
  });
});
