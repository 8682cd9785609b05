import { randomBytes, randomUUID } from 'node:crypto';

/** A change to a sealed log that nobody may make unseen, made by who owns the tables and has switched off their triggers. */
export interface Mutation {
  kind: 'edit' | 'delete' | 'insert' | 'reorder' | 'truncate';
  what: string;
  sql: string;
}

const pick = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)];
const below = (n: number): number => Math.floor(Math.random() * n);
const text = (value: string): string => `'${value}'`;

/** The entry that stands at a place of the log. */
const at = (seq: number): string => `id = (SELECT entry_id FROM audit_leaves WHERE seq = ${seq})`;

const EDITS: Record<string, () => string> = {
  actor: () => `actor || 'x'`,
  system_id: () => `coalesce(system_id, '') || 'x'`,
  action: () => `action || 'x'`,
  packet_id: () => text(randomUUID()),
  delivery_id: () => text(randomUUID()),
  subject: () => `coalesce(subject, '') || 'x'`,
  detail: () => `coalesce(detail, '{}') || '{"x":${below(1e6)}}'`,
  at: () => `at + interval '${1 + below(1e6)} microseconds'`,
  id: () => text(randomUUID()),
  xid: () => `(xid::text::bigint + 1)::text::xid8`,
};
const LEAF_EDITS: Record<string, () => string> = {
  hash: () => `'\\x${randomBytes(32).toString('hex')}'`,
  entry_id: () => text(randomUUID()),
  entry_at: () => `entry_at + interval '1 second'`,
};

/** Moves the numbers of the leaves from `from` on. Twice, for a number is never there two times. */
const renumber = (from: number, by: number): string =>
  `UPDATE audit_leaves SET seq = -seq - 1 WHERE seq >= ${from}; UPDATE audit_leaves SET seq = -seq - 1 + ${by} WHERE seq < 0;`;

const MAKERS: Record<Mutation['kind'], ((size: number, sizes: number[]) => [string, string])[]> = {
  edit: [
    (size) => {
      const column = pick(Object.keys(EDITS));
      return [`entry.${column}`, `UPDATE audit_entries SET ${column} = ${EDITS[column]()} WHERE ${at(below(size))}`];
    },
    (size) => {
      const column = pick(Object.keys(LEAF_EDITS));
      return [
        `leaf.${column}`,
        `UPDATE audit_leaves SET ${column} = ${LEAF_EDITS[column]()} WHERE seq = ${below(size)}`,
      ];
    },
    (_, sizes) => {
      const position = 1 + below(100);
      const other = `CASE WHEN substr(jws, ${position}, 1) = 'A' THEN 'B' ELSE 'A' END`;
      return [
        'checkpoint.jws',
        `UPDATE audit_checkpoints SET jws = overlay(jws PLACING ${other} FROM ${position} FOR 1) WHERE size = ${pick(sizes)}`,
      ];
    },
  ],
  delete: [
    (size) => ['entry', `DELETE FROM audit_entries WHERE ${at(below(size))}`],
    (size) => {
      const seq = below(size);
      return [
        'entry and leaf',
        `DELETE FROM audit_entries WHERE ${at(seq)}; DELETE FROM audit_leaves WHERE seq = ${seq}`,
      ];
    },
    (size) => {
      const seq = below(size);
      return [
        'entry and leaf, the rest moved up',
        `DELETE FROM audit_entries WHERE ${at(seq)}; DELETE FROM audit_leaves WHERE seq = ${seq}; ${renumber(seq + 1, -1)}`,
      ];
    },
    (_, sizes) => ['checkpoint', `DELETE FROM audit_checkpoints WHERE size = ${pick(sizes)}`],
  ],
  insert: [
    (size) => [
      'entry',
      `INSERT INTO audit_entries (id, at, era, xid, actor, action) SELECT gen_random_uuid(), at, era, xid, 'x', 'packet.read'
       FROM audit_entries WHERE ${at(below(size - 1))}`,
    ],
    (size) => {
      const seq = below(size);
      return [
        'entry and leaf, the rest moved down',
        `${renumber(seq, 1)} INSERT INTO audit_leaves SELECT ${seq}, entry_id, entry_at, era, xid, hash FROM audit_leaves WHERE seq = ${seq + 1}`,
      ];
    },
  ],
  reorder: [
    (size) => {
      const [a, b] = [below(size - 1), size - 1];
      return [
        'two leaves',
        `UPDATE audit_leaves SET seq = -1 WHERE seq = ${a}; UPDATE audit_leaves SET seq = ${a} WHERE seq = ${b};
         UPDATE audit_leaves SET seq = ${b} WHERE seq = -1`,
      ];
    },
    (size) => {
      const a = below(size - 1);
      return [
        'the contents of two entries',
        `UPDATE audit_entries e SET actor = o.actor, subject = o.subject FROM audit_entries o, audit_leaves x, audit_leaves y
         WHERE x.seq IN (${a}, ${a + 1}) AND y.seq = ${2 * a + 1} - x.seq AND e.id = x.entry_id AND o.id = y.entry_id`,
      ];
    },
  ],
  truncate: [
    (_, sizes) => {
      const left = pick(sizes.slice(0, -1));
      return [
        'the tail with its checkpoints',
        `DELETE FROM audit_entries WHERE id IN (SELECT entry_id FROM audit_leaves WHERE seq >= ${left});
         DELETE FROM audit_leaves WHERE seq >= ${left}; DELETE FROM audit_checkpoints WHERE size > ${left}`,
      ];
    },
    (size) => [
      'the last entries',
      `DELETE FROM audit_entries WHERE id IN (SELECT entry_id FROM audit_leaves WHERE seq >= ${size - 1 - below(5)})`,
    ],
    () => ['everything', 'TRUNCATE audit_entries, audit_leaves, audit_checkpoints'],
  ],
};

/** @param sizes of the checkpoints, ascending */
export function mutation(size: number, sizes: number[]): Mutation {
  const kind = pick(Object.keys(MAKERS) as Mutation['kind'][]);
  const [what, sql] = pick(MAKERS[kind])(size, sizes);
  return { kind, what: `${kind}: ${what}`, sql };
}
