import { GrowingTree, type PlatformKey, signTombstone } from '@lienthong/signing';
import type { Transactions, Unit } from '../transactions';
import { auditRecord } from './audit-record';
import { SEALING_LOCK } from './audit-seal.store';

/** Months for which there is always a partition; what comes without one goes into the default partition and is kept for good. */
const MONTHS_AHEAD = 2;
const PAGE = 5000;

/** Whole months come and go; single entries never do. */
export class AuditPartitionStore {
  constructor(private readonly transactions: Transactions) {}

  async makeAhead(): Promise<void> {
    await this.transactions.query(`SELECT audit_make_partitions(${MONTHS_AHEAD})`);
  }

  /**
   * Forgets the oldest month of which every entry is older than `days`, and leaves a signed tombstone. The database refuses less than 730 days.
   * @returns the tombstone, undefined when nothing is that old or not all of it is sealed
   */
  async forgetOldest(
    origin: string,
    key: PlatformKey,
    days: number,
  ): Promise<{ name: string; jws: string } | undefined> {
    return this.transactions.run(async (unit) => {
      const [{ held, now }] = await unit.query<{ held: boolean; now: Date }>(
        `SELECT pg_try_advisory_xact_lock(${SEALING_LOCK}) AS held, now() AS now`,
      );
      const month = held ? await oldest(unit, days) : undefined;
      if (!month) return undefined;
      const gone = await leavesOf(unit, month);
      const [{ n }] = await unit.query<{ n: string }>(
        'SELECT count(*) AS n FROM audit_entries WHERE at >= $1 AND at < $2',
        [month.from, month.to],
      );
      if (Number(n) !== gone.tree.size) return undefined;
      const claims = {
        origin,
        ranges: gone.ranges,
        count: gone.tree.size,
        root: gone.tree.root().toString('base64url'),
        retentionDays: days,
        at: now.toISOString(),
      };
      const jws = signTombstone(claims, key);
      await unit.query('SELECT audit_drop_partition($1, $2)', [month.name, jws]);
      const { ranges, count } = claims;
      unit.records.audit.push(
        auditRecord({ action: 'audit.forgotten', subject: month.name, detail: { ranges, count } }),
      );
      return { name: month.name, jws };
    });
  }
}

interface Month {
  name: string;
  from: string;
  to: string;
}

async function oldest(unit: Unit, days: number): Promise<Month | undefined> {
  const [month] = await unit.query<Month>(
    `SELECT name, to_char(first, 'YYYY-MM-DD') || 'Z' AS from, to_char(first + interval '1 month', 'YYYY-MM-DD') || 'Z' AS to
     FROM (SELECT c.relname::text AS name, to_date(right(c.relname, 7), 'YYYY_MM') AS first
           FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent = 'audit_entries'::regclass AND c.relname ~ '^audit_entries_[0-9]{4}_[0-9]{2}$') months
     WHERE first + interval '1 month' <= now() - make_interval(days => $1) ORDER BY first LIMIT 1`,
    [days],
  );
  return month;
}

/** Their hashes in order, and where they stand: near the ends of a month other months' entries may lie between. */
async function leavesOf(unit: Unit, { from, to }: Month): Promise<{ tree: GrowingTree; ranges: [number, number][] }> {
  const tree = new GrowingTree();
  const ranges: [number, number][] = [];
  for (let last = -1; ;) {
    const leaves = await unit.query<{ seq: string; hash: Buffer }>(
      `SELECT seq, hash FROM audit_leaves WHERE entry_at >= $1 AND entry_at < $2 AND seq > $3 ORDER BY seq LIMIT ${PAGE}`,
      [from, to, last],
    );
    for (const { seq, hash } of leaves) {
      tree.append(hash);
      last = Number(seq);
      const run = ranges.at(-1);
      if (run?.[1] === last) run[1]++;
      else ranges.push([last, last + 1]);
    }
    if (leaves.length < PAGE) return { tree, ranges };
  }
}
