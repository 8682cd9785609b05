import {
  AuditBundleStore,
  AuditSealStore,
  createDataSource,
  TimelineStore,
  Transactions,
} from '@lienthong/persistence';
import { type AuditLine, newPlatformKey, platformKeyOf, verifyAuditRange } from '@lienthong/signing';
import { v7 as uuidv7 } from 'uuid';
import { MIGRATIONS } from '../../../libs/persistence/src/migrations/all';
import { Audit1700000000004 } from '../../../libs/persistence/src/migrations/0004-audit';
import { emptyDatabase, type EmptyDatabase, settled } from '../../support/database';

const ORIGIN = 'https://lienthong.example';

describe('a database from before the audit log', () => {
  let database: EmptyDatabase;
  beforeAll(async () => {
    database = await emptyDatabase();
  }, 60_000);
  afterAll(() => database.drop(), 60_000);

  const migrated = async (migrations: typeof MIGRATIONS) => {
    const dataSource = createDataSource({ url: database.url, poolSize: 2, applicationName: 'test' });
    await dataSource.setOptions({ migrations }).initialize();
    await dataSource.runMigrations({ transaction: 'all' });
    return dataSource;
  };

  it('keeps its timelines, in their order, as entries of the log that are sealed like all others', async () => {
    const before = await migrated(MIGRATIONS.slice(0, MIGRATIONS.indexOf(Audit1700000000004)));
    const msecs = Date.parse('2026-05-31T23:59:59Z');
    const [packet, other, delivery] = [uuidv7({ msecs }), uuidv7({ msecs }), uuidv7({ msecs })];
    const rows: [string, string | null, string, string, object | null][] = [
      [packet, null, '2026-05-31T23:59:59.123456Z', 'packet.open', { parts: 1 }],
      [packet, null, '2026-06-01T00:00:00.000001Z', 'packet.received', null],
      [other, null, '2026-06-01T00:00:00.000001Z', 'packet.open', { parts: 2 }],
      [
        packet,
        delivery,
        '2026-06-01T00:00:01Z',
        'delivery.rejected',
        { reasonCode: 'wrong_addressee', reason: 'Của ông An' },
      ],
      [packet, delivery, '2026-06-01T00:00:02Z', 'packet.status', { code: '03', description: 'Đã chuyển chị Bình' }],
      [packet, null, new Date().toISOString(), 'packet.completed', {}],
    ];
    for (const [packetId, deliveryId, at, event, detail] of rows)
      await before.query(
        'INSERT INTO timeline (packet_id, delivery_id, at, event, detail) VALUES ($1, $2, $3, $4, $5)',
        [packetId, deliveryId, at, event, detail && JSON.stringify(detail)],
      );
    await before.destroy();

    const after = await migrated(MIGRATIONS);
    try {
      const transactions = new Transactions(after);
      const [{ gone }] = await transactions.query<{ gone: string | null }>(`SELECT to_regclass('timeline') AS gone`);
      expect(gone).toBeNull();
      const kept = await transactions.query(
        `SELECT packet_id, delivery_id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, actor, action, detail
         FROM audit_entries ORDER BY at, packet_id`,
      );
      expect(kept).toHaveLength(rows.length);
      expect(kept[0]).toEqual({
        packet_id: packet,
        delivery_id: null,
        at: '2026-05-31T23:59:59.123456Z',
        actor: 'platform',
        action: 'packet.open',
        detail: { parts: 1 },
      });

      // What its parties see is what they saw; words of persons stay where they can be erased.
      const timeline = await new TimelineStore(transactions).of(packet);
      expect(timeline.map(({ event, delivery: of, detail }) => ({ event, of, detail }))).toEqual([
        { event: 'packet.open', of: undefined, detail: { parts: 1 } },
        { event: 'packet.received', of: undefined, detail: undefined },
        { event: 'delivery.rejected', of: delivery, detail: { reasonCode: 'wrong_addressee' } },
        { event: 'packet.status', of: delivery, detail: { code: '03' } },
        { event: 'packet.completed', of: undefined, detail: {} },
      ]);

      const { publicJwk, kid, privatePem } = newPlatformKey();
      await settled(after);
      const sealed = await new AuditSealStore(transactions).seal(ORIGIN, platformKeyOf(kid, privatePem), 100);
      expect(sealed.entries).toBe(rows.length);
      const lines: AuditLine[] = [];
      for await (const line of new AuditBundleStore(transactions).lines(ORIGIN, 0)) lines.push(line);
      const verdict = await verifyAuditRange(lines, { keys: [publicJwk] });
      expect(verdict.problems).toEqual([]);
      await expect(transactions.query('DELETE FROM audit_entries')).rejects.toThrow('only added to');
    } finally {
      await after.destroy();
    }
  });
});
