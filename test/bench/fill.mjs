// A platform with a past: packets that are finished and packets that wait for others, written by SQL as the stores would have left them
// (libs/persistence/src/migrations/0002-exchange.ts, 0004-audit.ts). Receipts and event data are shorter than real ones; their number is the real one.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Everything of the exchange; the registry stays, and the audit log, which is only added to. */
const EMPTY = `TRUNCATE packets, parts, deliveries, statuses, receipts, events, streams, connections, outbox, dead_tasks, finished_packets, begun_packets CASCADE`;
const OTHERS = 50;
const SEALED_WITHIN_MS = 300_000;

export async function emptyExchange(databaseUrl) {
  await withDatabase(databaseUrl, async (db) => {
    await db.query(EMPTY);
    await settle(db);
  });
}

/**
 * `count` packets that are completed and purged, all of this source and to its first destination, and `count` that wait for fifty other systems, all of
 * this source: the worst mix for who measures with these parties.
 * @returns rows per table
 */
export async function fillExchange(databaseUrl, { source, destinations: [destination] }, count) {
  return withDatabase(databaseUrl, async (db) => {
    await db.query(EMPTY);
    await db.query(...others(source.systemId));
    await db.query('DROP TABLE IF EXISTS bench_fill');
    await db.query(
      `CREATE UNLOGGED TABLE bench_fill AS
       SELECT i, i <= $1 AS done, ((i - 1) % $1) + 1 AS nth, ${uuidAt('i', 'packet')} AS id, ${uuidAt('i', 'delivery')} AS delivery,
              CASE WHEN i <= $1 THEN $2 ELSE $3 || '-cho-' || (i % ${OTHERS} + 1) END AS target,
              now() - interval '2 days' + i * interval '100 ms' AS at
       FROM generate_series(1, 2 * $1::int) i`,
      [count, destination.systemId, source.systemId],
    );
    await db.query('ANALYZE bench_fill');
    for (const sql of statements(count)) await db.query(sql, [source.systemId]);
    await db.query('DROP TABLE bench_fill');
    await sealed(db);
    await settle(db);
    const tables = ['packets', 'parts', 'deliveries', 'audit_entries', 'receipts', 'events'];
    const counts = await Promise.all(tables.map((table) => db.query(`SELECT count(*)::int AS n FROM ${table}`)));
    return Object.fromEntries(tables.map((table, index) => [table, counts[index].rows[0].n]));
  });
}

const others = (systemId) => [
  `INSERT INTO systems (id, agency_code, name, receives, search)
   SELECT s.id || '-cho-' || n, s.agency_code, 'chờ ' || n, '{file}', 'cho ' || n FROM systems s, generate_series(1, ${OTHERS}) n WHERE s.id = $1`,
  [systemId],
];

/** UUIDv7 in the order of `i`, two days ago, as the platform makes them. */
const uuidAt = (
  i,
  salt,
) => `(lpad(to_hex((extract(epoch FROM now() - interval '2 days') * 1000)::bigint + ${i} * 100), 12, '0')
  || '7' || substr(md5('${salt}' || ${i}), 1, 3) || '8' || substr(md5('${salt}' || ${i}), 4, 15))::uuid`;

/** About as long as a short receipt. */
const JWS = `repeat(md5(id::text), 8)`;
const DIGEST = `encode(sha256(id::text::bytea), 'base64')`;

const list = (values) => `(VALUES ${values.map((value, index) => `(${index + 1}, '${value}')`).join(', ')})`;

/** Parameter of each: the source. */
const statements = (count) => [
  `INSERT INTO packets (id, source, state, title, search, priority, data_type, protocol, recipients, idempotency_key, request_digest, created_at,
                        space_expires_at, received_at, analysed_at, deliver_by, finished_at, purge_after, purged_at, receipt_hash, driven_at)
   SELECT id, $1, CASE WHEN done THEN 'completed' ELSE 'scheduled' END, 'Gói tin đo hiệu năng', 'goi tin do hieu nang', 0, 'file', 'inline',
          jsonb_build_array(jsonb_build_object('address', target, 'systemId', target, 'routedBy', 'system')), id::text, sha256(id::text::bytea), at,
          at + interval '1 day', at, at, at + interval '5 days', CASE WHEN done THEN at END, CASE WHEN done THEN at END, CASE WHEN done THEN at END,
          md5(id::text), at
   FROM bench_fill ORDER BY i`,
  `INSERT INTO parts (packet_id, ordinal, name, media_type, size, sha256, object_key)
   SELECT id, 0, 'noi-dung.bin', 'application/octet-stream', 16384, ${DIGEST}, 'packets/' || id || '/0-' || md5(id::text)
   FROM bench_fill WHERE $1::text IS NOT NULL ORDER BY i`,
  `INSERT INTO deliveries (id, packet_id, system_id, address, routed_by, state, priority, announced, available_at, deliver_by, created_at, finished_at,
                           confirmation, driven_at)
   SELECT delivery, id, target, target, 'system', CASE WHEN done THEN 'accepted' WHEN i % 2 = 0 THEN 'notified' ELSE 'pending' END, 0, 1, at,
          at + interval '5 days', at, CASE WHEN done THEN at END, CASE WHEN done THEN jsonb_build_object('request', '{}'::jsonb, 'receipt', ${JWS}) END, at
   FROM bench_fill WHERE $1::text IS NOT NULL ORDER BY i`,
  // One of the five to ten of a packet: they are sealed before anything is measured, some thousand a second, and no step reads those of other packets.
  `INSERT INTO audit_entries (actor, action, packet_id, at)
   SELECT 'bench', 'packet.open', id, at FROM bench_fill WHERE $1::text IS NOT NULL ORDER BY i`,
  `INSERT INTO receipts (jti, packet_id, delivery_id, event, at, jws)
   SELECT gen_random_uuid(), id, CASE WHEN event LIKE 'delivery%' THEN delivery END, event, at, ${JWS}
   FROM bench_fill, ${list(['packet.accepted', 'delivery.ready', 'delivery.accepted', 'packet.purged'])} AS step (n, event)
   WHERE $1::text IS NOT NULL AND (done OR n = 1) ORDER BY i, n`,
  // The source's stream: five events of a finished packet, then one of each that waits. No gaps (invariant 7).
  `INSERT INTO events (system_id, "offset", id, type, packet_id, delivery_id, at, data)
   SELECT $1, CASE WHEN done THEN (nth - 1) * 5 + n ELSE 5 * ${count} + nth END, gen_random_uuid(), event, id, delivery, at,
          jsonb_build_object('packetId', id, 'receipt', ${JWS})
   FROM bench_fill, ${list(['packet.accepted', 'delivery.ready', 'delivery.accepted', 'packet.completed', 'packet.purged'])} AS step (n, event)
   WHERE done OR n = 1 ORDER BY i, n`,
  `INSERT INTO events (system_id, "offset", id, type, packet_id, delivery_id, at, data)
   SELECT target, row_number() OVER (PARTITION BY target ORDER BY i, n), gen_random_uuid(), event, id, delivery, at,
          jsonb_build_object('packetId', id, 'deliveryId', delivery, 'title', 'Gói tin đo hiệu năng')
   FROM bench_fill, ${list(['packet.available', 'packet.purged'])} AS step (n, event)
   WHERE $1::text IS NOT NULL AND (done OR n = 1)`,
  // Whose number is even has been told, the others have not; the measuring systems are up to date.
  `INSERT INTO streams (system_id, last_offset, acked_offset)
   SELECT e.system_id, max("offset"), CASE WHEN bool_or(d.state = 'pending') THEN 0 ELSE max("offset") END
   FROM events e LEFT JOIN deliveries d ON d.id = e.delivery_id AND d.system_id = e.system_id
   WHERE $1::text IS NOT NULL GROUP BY e.system_id`,
  `INSERT INTO finished_packets (source, state, n) VALUES ($1, 'completed', ${count})`,
];

/** The past's entries are sealed like any others: a log that is days behind would have the platform refuse every packet. */
async function sealed(db) {
  for (const began = performance.now(); performance.now() - began < SEALED_WITHIN_MS; await sleep(500)) {
    const { rowCount } = await db.query(
      `SELECT 1 FROM audit_entries e WHERE actor = 'bench' AND (e.era, e.xid, e.id) > (SELECT l.era, l.xid, l.entry_id FROM audit_leaves l ORDER BY seq DESC LIMIT 1) LIMIT 1`,
    );
    if (rowCount === 0) return;
  }
  throw new Error('The audit entries of the past were not sealed in time.');
}

/** What a server does by itself within minutes is done now: statistics, dead rows, and the pages still to be written. */
async function settle(db) {
  await db.query('VACUUM (ANALYZE)');
  await db.query('CHECKPOINT').catch(() => undefined);
}

async function withDatabase(connectionString, work) {
  const db = new pg.Pool({ connectionString, max: 1 });
  try {
    return await work(db);
  } finally {
    await db.end();
  }
}
