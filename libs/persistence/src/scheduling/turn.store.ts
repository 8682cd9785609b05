import { PRIORITIES, type Priority, priorityRank } from '@lienthong/contracts';
import type { Transactions, Unit } from '../transactions';

/**
 * Packets of one source and class in the analysis at a time. Fewer than the slots of two schedulers (8 each for `normal`) would leave some idle while a single
 * source sends; each more is one more that another source's packet may find before it.
 */
export const IN_ANALYSIS = 16;
/** An analysis takes seconds: one that lasts longer stands still, and keeps its place from nobody. */
const AT_MOST_MINUTES = 5;

const UNDER_WAY = `state = 'received' AND turn_at > now() - interval '${AT_MOST_MINUTES} minutes'`;
const WAITING = `state = 'received' AND turn_at IS NULL`;

/** A line of packets per source and class: the next ones, each line as many as it has room for. Reads one entry of an index per line and per packet that gets its turn. */
const GIVE = `
  WITH RECURSIVE lines AS (
    (SELECT source, priority FROM packets WHERE ${WAITING} ORDER BY source, priority LIMIT 1)
    UNION ALL
    SELECT next.source, next.priority FROM lines CROSS JOIN LATERAL (
      SELECT p.source, p.priority FROM packets p WHERE ${WAITING} AND (p.source, p.priority) > (lines.source, lines.priority)
      ORDER BY p.source, p.priority LIMIT 1) next),
  room AS (
    SELECT source, priority, $1 - (SELECT count(*) FROM (
      SELECT 1 FROM packets p WHERE p.source = lines.source AND p.priority = lines.priority AND ${UNDER_WAY} LIMIT $1) under_way) AS n FROM lines),
  next AS (
    SELECT first.id FROM room CROSS JOIN LATERAL (
      SELECT p.id FROM packets p WHERE p.source = room.source AND p.priority = room.priority AND ${WAITING} ORDER BY p.id LIMIT room.n) first),
  given AS (
    UPDATE packets SET turn_at = now(), driven_at = now() WHERE id = ANY(ARRAY(SELECT id FROM next)) AND ${WAITING} RETURNING id, priority)
  SELECT id AS "packetId", priority AS rank FROM given ORDER BY id`;

/**
 * Fairness among sources (P19). The queues are first in, first out: a source that sends thousands at once would have every other source's packet behind all of
 * them. So of each source and class only `IN_ANALYSIS` packets are given to the queue; the others wait here, and get their turn as those are analysed.
 * What is received and has no turn waits: that is also what a process leaves behind which died before it could say otherwise.
 */
export class TurnStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /**
   * Whether a packet that is about to be received has to wait. Requests under way at the same moment do not see each other: by their number there may be more.
   */
  async mustWait({ source, priority }: { source: string; priority: Priority }): Promise<boolean> {
    const [{ n }] = await this.transactions.query<{ n: string }>(
      `SELECT count(*) AS n FROM (SELECT 1 FROM packets WHERE source = $1 AND priority = $2 AND ${UNDER_WAY} LIMIT $3) under_way`,
      [source, priorityRank(priority), IN_ANALYSIS],
    );
    return Number(n) >= IN_ANALYSIS;
  }

  /** Whether any packet waits; looks at one entry of an index. */
  async anyWaits(): Promise<boolean> {
    const rows = await this.transactions.query(`SELECT 1 FROM packets WHERE ${WAITING} LIMIT 1`);
    return rows.length > 0;
  }

  /** Whether so many wait; looks at no more than that many entries of an index. */
  async atLeast(packets: number): Promise<boolean> {
    const [{ n }] = await this.transactions.query<{ n: string }>(
      `SELECT count(*) AS n FROM (SELECT 1 FROM packets WHERE ${WAITING} LIMIT $1) waiting`,
      [packets],
    );
    return Number(n) >= packets;
  }

  /** Packets that wait, by class, with the age of the oldest in seconds; for the operator. */
  async depths(): Promise<{ priority: Priority; waiting: number; oldestSeconds: number }[]> {
    const rows = await this.transactions.query<{ rank: number; waiting: string; oldest: string }>(
      `SELECT priority AS rank, count(*) AS waiting, extract(epoch FROM now() - min(received_at)) AS oldest
       FROM packets WHERE ${WAITING} GROUP BY priority ORDER BY priority`,
    );
    return rows.map(({ rank, waiting, oldest }) => ({
      priority: PRIORITIES[rank],
      waiting: Number(waiting),
      oldestSeconds: Number(oldest),
    }));
  }

  /** Gives every source and class the turns that it has room for, those that came first first. One process at a time: two would count the same room. */
  async give(unit: Unit): Promise<{ packetId: string; priority: Priority }[]> {
    const [, rows] = await Promise.all([
      unit.query(`SELECT pg_advisory_xact_lock(hashtext('lienthong:give-turns'))`),
      unit.query<{ packetId: string; rank: number }>(GIVE, [IN_ANALYSIS]),
    ]);
    return rows.map(({ packetId, rank }) => ({ packetId, priority: PRIORITIES[rank] }));
  }
}
