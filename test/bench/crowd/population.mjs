// Thousands of systems with a key each, by SQL: registering them through the API would take longer than what is measured. One RSA key pair serves all
// of them; that it does makes no difference to who verifies. 2048 bits: what clients pay for a signature is not measured, and they share the processor here.
import { generateKeyPairSync } from 'node:crypto';
import pg from 'pg';

/** @returns `{ systems: [{ systemId, accessKey }], privateKeyPem }` of `count` systems of the source's agency */
export async function populate(databaseUrl, { source }, count) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const systems = await withClient(databaseUrl, async (db) => {
    await db.query(
      `INSERT INTO systems (id, agency_code, name, receives, search)
       SELECT s.id || '-' || n, s.agency_code, 'đông ' || n, '{file}', 'dong ' || n FROM systems s, generate_series(1, $2::int) n WHERE s.id = $1`,
      [source.systemId, count],
    );
    const { rows } = await db.query(
      `INSERT INTO keys (access_key, system_id, algorithms, public_key_pem)
       SELECT 'LTBENCH' || upper(md5(id)), id, '{rsa-pss-sha512}', $2 FROM systems WHERE id LIKE $1 || '-%'
       RETURNING system_id AS "systemId", access_key AS "accessKey"`,
      [source.systemId, publicKey],
    );
    await db.query('ANALYZE systems, keys');
    return rows;
  });
  return { systems, privateKeyPem: privateKey };
}

/**
 * `each` events for each of these systems, in one transaction, numbered and told as the sequencer does it (libs/persistence, event-stream.store).
 * @param bytes of the event's data @returns when it was committed, ms
 */
export async function burst(databaseUrl, systemIds, { each = 1, bytes = 300 } = {}) {
  return withClient(databaseUrl, async (db) => {
    await db.query('BEGIN');
    await db.query(
      `INSERT INTO streams (system_id, last_offset) SELECT unnest($1::text[]), 0 ON CONFLICT (system_id) DO NOTHING`,
      [systemIds],
    );
    await db.query(
      `INSERT INTO events (system_id, "offset", id, type, data)
       SELECT s.system_id, s.last_offset + n, gen_random_uuid(), 'packet.available', jsonb_build_object('title', repeat('x', $3))
       FROM streams s, generate_series(1, $2::int) n WHERE s.system_id = ANY($1)`,
      [systemIds, each, bytes],
    );
    await db.query(
      `WITH heads AS (UPDATE streams SET last_offset = last_offset + $2 WHERE system_id = ANY($1) RETURNING system_id)
       SELECT count(pg_notify('lienthong_stream', system_id)) FROM heads`,
      [systemIds, each],
    );
    await db.query('COMMIT');
    return performance.timeOrigin + performance.now();
  });
}

async function withClient(connectionString, work) {
  const db = new pg.Client({ connectionString });
  await db.connect();
  try {
    return await work(db);
  } finally {
    await db.end();
  }
}
