import {
  type AuditEntry,
  canonicalEntry,
  GrowingTree,
  leafHash,
  type PlatformKey,
  signCheckpoint,
} from '@lienthong/signing';
import type { Transactions, Unit } from '../transactions';
import { after, BEGINNING, BY_KEY, ENTRY, type Position, values } from './stored-entry';

type Row = AuditEntry & { era: number; xid: string };

export interface Sealed {
  /** Entries of this batch; 0: there was none, or another process seals. */
  entries: number;
  /** The newest checkpoint, when this call made it. */
  checkpoint?: { size: number; jws: string };
}

/** Only one seals at a time; whoever comes second goes away. */
export const SEALING_LOCK = `hashtext('lienthong:seal-audit')`;

/**
 * Gives committed entries their places in the tree and signs the root (reliability 4). Stateless: what it goes on from is read, and checked against what was
 * signed, in the transaction that it writes in; killed at any point it has done all or nothing.
 */
export class AuditSealStore {
  constructor(private readonly transactions: Transactions) {}

  /**
   * Seals the next entries, `limit` at most.
   * @throws Error when the log is not as it was signed, or the database was restored from a dump: then an operator must look
   */
  async seal(origin: string, key: PlatformKey, limit: number): Promise<Sealed> {
    return this.transactions.run(async (unit) => {
      const [{ held, now }] = await unit.query<{ held: boolean; now: Date }>(
        `SELECT pg_try_advisory_xact_lock(${SEALING_LOCK}) AS held, clock_timestamp() AS now, ${BY_KEY}`,
      );
      if (!held) return { entries: 0 };
      const { tree, root, position } = await newest(unit);
      const rows = await unsealed(unit, position, limit);
      if (rows.length === 0) return { entries: 0 };
      const first = tree.size;
      const hashes = rows.map(({ era: _era, xid: _xid, ...entry }) => leafHash(canonicalEntry(entry)));
      for (const hash of hashes) tree.append(hash);
      const at = now.toISOString();
      const claims = { origin, size: tree.size, root: tree.root().toString('base64url'), previousRoot: root, at };
      const jws = signCheckpoint(claims, key);
      await unit.query(
        `WITH leaves AS (
           INSERT INTO audit_leaves (seq, entry_id, entry_at, era, xid, hash)
           SELECT $1 + place - 1, id, at, era, xid::xid8, hash
           FROM unnest($2::uuid[], $3::timestamptz[], $4::smallint[], $5::text[], $6::bytea[]) WITH ORDINALITY AS leaf (id, at, era, xid, hash, place))
         INSERT INTO audit_checkpoints (size, at, jws, frontier) VALUES ($7, $8, $9, $10)`,
        [
          first,
          rows.map(({ id }) => id),
          rows.map((row) => row.at),
          rows.map(({ era }) => era),
          rows.map(({ xid }) => xid),
          hashes,
          tree.size,
          at,
          jws,
          Buffer.concat(tree.frontier),
        ],
      );
      return { entries: rows.length, checkpoint: { size: tree.size, jws } };
    });
  }
}

/** The tree as it was last signed. @throws Error when what is stored is not what was signed */
async function newest(unit: Unit): Promise<{ tree: GrowingTree; root: string | null; position: Position }> {
  // Two ends of two keys, not one join: with statistics of a log that holds next to nothing PostgreSQL may read every leaf for a join or a maximum.
  const [[checkpoint], [leaf]] = await Promise.all([
    unit.query<{ size: string; jws: string; frontier: Buffer }>(
      `SELECT size, jws, frontier FROM audit_checkpoints ORDER BY size DESC LIMIT 1`,
    ),
    unit.query<{ size: string } & Position>(
      `SELECT seq + 1 AS size, era, xid::text AS xid, entry_id AS id FROM audit_leaves ORDER BY seq DESC LIMIT 1`,
    ),
  ]);
  if (!checkpoint && !leaf) return { tree: new GrowingTree(), root: null, position: BEGINNING };
  const tree = checkpoint && new GrowingTree(Number(checkpoint.size), chunks(checkpoint.frontier));
  const root = tree?.root().toString('base64url');
  if (!tree || !root || !leaf || rootOf(checkpoint.jws) !== root || leaf.size !== checkpoint.size)
    throw new Error(
      'The audit log is not as it was signed. Nothing more is sealed: export it and run `lienthong verify`.',
    );
  return { tree, root, position: leaf };
}

/**
 * Committed entries after the position, in the order of sealing. Only behind `pg_snapshot_xmin`: of what lies there nothing is in progress any more, so
 * that nothing can ever commit into what is sealed. Both ends are ends of the key: what waits behind a transaction that is long open is not read either.
 */
async function unsealed(unit: Unit, position: Position, limit: number): Promise<Row[]> {
  const [now] = await unit.query<{ era: number; xid: string }>(
    `SELECT coalesce(substring(pg_get_expr(adbin, adrelid) FROM '[0-9]+'), '0')::smallint AS era, pg_snapshot_xmin(pg_current_snapshot())::text AS xid
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
     WHERE a.attrelid = 'audit_entries'::regclass AND a.attname = 'era'`,
  );
  if (position.era === now.era && BigInt(position.xid) >= BigInt(now.xid))
    throw new Error('The database was restored from a dump; the audit log cannot go on. Run `npm run migrate` first.');
  return unit.query<Row>(
    `SELECT ${ENTRY}, e.era, e.xid::text AS xid FROM audit_entries e
     WHERE ${after(1)} AND (e.era, e.xid) < ($4::smallint, pg_snapshot_xmin(pg_current_snapshot()))
     ORDER BY e.era, e.xid, e.id LIMIT $5`,
    [...values(position), now.era, limit],
  );
}

export const chunks = (frontier: Buffer): Buffer[] =>
  Array.from({ length: frontier.length / 32 }, (_, index) => frontier.subarray(index * 32, (index + 1) * 32));

/** Only compared here: who verifies a signature does it outside, with `lienthong verify`. */
const rootOf = (jws: string): string =>
  (JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString() || '{}') as { root?: string }).root ?? '';
