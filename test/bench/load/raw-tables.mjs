// The minimum of rows that both raw pipelines keep, and the two statements that change them: one round trip each.
export const TABLES = `
  CREATE TABLE IF NOT EXISTS packets (
    id uuid PRIMARY KEY, source text NOT NULL, state text NOT NULL, size bigint NOT NULL, sha256 text NOT NULL,
    object_key text NOT NULL, remaining int NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz);
  CREATE TABLE IF NOT EXISTS deliveries (
    packet_id uuid NOT NULL REFERENCES packets, destination int NOT NULL, state text NOT NULL, confirmed_at timestamptz,
    PRIMARY KEY (packet_id, destination));`;

/** Parameters: id, size, sha256, key, number of destinations. */
export const INSERT = {
  name: 'insert',
  text: `WITH p AS (INSERT INTO packets (id, source, state, size, sha256, object_key, remaining) VALUES ($1, 'source', 'scheduled', $2, $3, $4, $5) RETURNING id)
         INSERT INTO deliveries (packet_id, destination, state) SELECT p.id, d, 'pending' FROM p, generate_series(0, $5 - 1) d`,
};

/** Parameters: id, destination. Answers how many deliveries of the packet are left. */
export const UPDATE = {
  name: 'update',
  text: `WITH d AS (UPDATE deliveries SET state = 'accepted', confirmed_at = now() WHERE packet_id = $1 AND destination = $2 AND state = 'pending' RETURNING packet_id)
         UPDATE packets SET remaining = remaining - 1, state = CASE remaining WHEN 1 THEN 'completed' ELSE state END,
                            finished_at = CASE remaining WHEN 1 THEN now() END
         FROM d WHERE packets.id = d.packet_id RETURNING remaining`,
};
