import type { AuditEntry, AuditLine } from '@lienthong/signing';
import { GrowingTree } from '@lienthong/signing';
import type { Transactions } from '../transactions';
import { chunks } from './audit-seal.store';
import { after, BEGINNING, ENTRY, type Position, values } from './stored-entry';

/** Leaves read at once. */
const PAGE = 1000;

interface Leaf extends Position {
  seq: string;
  hash: Buffer;
  entry: AuditEntry | null;
}

/** A range of the log with everything that its verification needs, read page by page: memory does not grow with the range. */
export class AuditBundleStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /**
   * The sealed entries from `from` on, up to the first checkpoint at or behind `to` (the newest by default).
   * @returns lines for `verifyAuditRange`; what is wrong in the database stands in them as it is
   */
  async *lines(origin: string, from: number, to?: number): AsyncGenerator<AuditLine> {
    const end = await this.end(to);
    const begin = Math.min(from, end);
    yield { type: 'range', v: 1, origin, from: begin, to: end, frontier: await this.frontier(begin) };
    for (const { jws } of await this.transactions.query<{ jws: string }>(
      'SELECT jws FROM audit_tombstones ORDER BY name',
    ))
      yield { type: 'tombstone', jws };
    let position = begin === 0 ? BEGINNING : await this.positionOf(begin - 1);
    for (let first = begin; first < end; first += PAGE) {
      const last = Math.min(first + PAGE, end);
      const leaves = await this.leaves(first, last);
      const checkpoints = await this.checkpoints(first, last);
      for (const leaf of leaves) {
        const seq = Number(leaf.seq);
        const hash = leaf.hash.toString('base64url');
        yield leaf.entry ? { type: 'entry', seq, leaf: hash, entry: leaf.entry } : { type: 'leaf', seq, leaf: hash };
        for (const { jws } of checkpoints.filter(({ size }) => Number(size) === seq + 1))
          yield { type: 'checkpoint', jws };
      }
      const next = leaves.at(-1) ?? position;
      for (const entry of await this.strays(position, next)) yield { type: 'entry', seq: null, leaf: null, entry };
      position = next;
    }
  }

  /** Leaves are written with their checkpoint: what lies behind the last one is somebody else's and must be shown. */
  private async end(to = Number.MAX_SAFE_INTEGER): Promise<number> {
    const [row] = await this.transactions.query<{ size: string | null }>(
      `SELECT coalesce((SELECT min(size) FROM audit_checkpoints WHERE size >= $1),
                       greatest((SELECT max(size) FROM audit_checkpoints), (SELECT max(seq) + 1 FROM audit_leaves))) AS size`,
      [to],
    );
    return Number(row.size ?? 0);
  }

  /** From the checkpoint before, and the leaves between. */
  private async frontier(size: number): Promise<string[]> {
    const [known] = await this.transactions.query<{ size: string; frontier: Buffer }>(
      'SELECT size, frontier FROM audit_checkpoints WHERE size <= $1 ORDER BY size DESC LIMIT 1',
      [size],
    );
    const tree = known ? new GrowingTree(Number(known.size), chunks(known.frontier)) : new GrowingTree();
    while (tree.size < size) {
      const leaves = await this.transactions.query<{ hash: Buffer }>(
        'SELECT hash FROM audit_leaves WHERE seq >= $1 AND seq < $2 ORDER BY seq',
        [tree.size, Math.min(tree.size + PAGE, size)],
      );
      if (leaves.length === 0) throw new Error(`The audit log has no leaf ${tree.size}.`);
      for (const { hash } of leaves) tree.append(hash);
    }
    return tree.frontier.map((hash) => hash.toString('base64url'));
  }

  private async positionOf(seq: number): Promise<Position> {
    const [row] = await this.transactions.query<Position>(
      'SELECT era, xid::text AS xid, entry_id AS id FROM audit_leaves WHERE seq = $1',
      [seq],
    );
    return row ?? BEGINNING;
  }

  private async leaves(from: number, to: number): Promise<Leaf[]> {
    const rows = await this.transactions.query<Leaf & { found: boolean } & Record<string, unknown>>(
      `SELECT l.seq, l.hash, l.era AS "leafEra", l.xid::text AS "leafXid", l.entry_id AS "leafId", e.id IS NOT NULL AS found, ${ENTRY}
       FROM audit_leaves l LEFT JOIN audit_entries e ON e.era = l.era AND e.xid = l.xid AND e.id = l.entry_id AND e.at = l.entry_at
       WHERE l.seq >= $1 AND l.seq < $2 ORDER BY l.seq`,
      [from, to],
    );
    return rows.map(({ seq, hash, leafEra, leafXid, leafId, found, ...entry }) => ({
      seq,
      hash,
      era: leafEra as number,
      xid: leafXid as string,
      id: leafId as string,
      entry: found ? (entry as unknown as AuditEntry) : null,
    }));
  }

  private checkpoints(from: number, to: number): Promise<{ size: string; jws: string }[]> {
    return this.transactions.query(
      'SELECT size, jws FROM audit_checkpoints WHERE size > $1 AND size <= $2 ORDER BY size',
      [from, to],
    );
  }

  /** Entries among the sealed ones that were never sealed: somebody put them there afterwards. */
  private strays(from: Position, to: Position): Promise<AuditEntry[]> {
    return this.transactions.query<AuditEntry>(
      `SELECT ${ENTRY} FROM audit_entries e WHERE ${after(1)} AND NOT ${after(4)}
         AND NOT EXISTS (SELECT 1 FROM audit_leaves l WHERE l.entry_id = e.id AND l.entry_at = e.at AND l.era = e.era AND l.xid = e.xid)
       ORDER BY e.era, e.xid, e.id LIMIT ${PAGE}`,
      [...values(from), ...values(to)],
    );
  }
}
