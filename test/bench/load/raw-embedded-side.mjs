// The raw pipeline on the embedded default: plain files with fsync, and pg. The queue is a table read with SKIP LOCKED and woken by NOTIFY,
// not pg-boss: it is what a program without a library would do, it costs less, and so it is the harder measure.
import { createReadStream } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { checkDigest, sha256 } from './content.mjs';
import { Flights } from './flights.mjs';
import { INSERT, TABLES, UPDATE } from './raw-tables.mjs';

export const RAW_EMBEDDED =
  'write a file, fsync, rename, fsync its folder (64 MiB as well: one file, no HTTP); one transaction with INSERT of packet and deliveries, of a row per ' +
  'destination in a queue table, and NOTIFY; consumers take a row with SKIP LOCKED, read the file and compare SHA-256, then UPDATE delivery and packet and ' +
  'DELETE the queue row in the same transaction; unlink after the last. node:fs and pg (prepared statements, 16 connections + 1 that listens), in one process. ' +
  'A SKIP LOCKED table and not pg-boss: it does less, and is therefore the harder measure.';

const QUEUE = `CREATE TABLE IF NOT EXISTS queue (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, packet_id uuid NOT NULL, destination int NOT NULL,
  object_key text NOT NULL, sha256 text NOT NULL)`;
/** Parameters: id, number of destinations, key, digest. */
const ENQUEUE = {
  name: 'enqueue',
  text: `WITH q AS (INSERT INTO queue (packet_id, destination, object_key, sha256) SELECT $1, d, $3, $4 FROM generate_series(0, $2::int - 1) d)
         SELECT pg_notify('raw_queue', $2::text)`,
};
const TAKE = { name: 'take', text: 'SELECT * FROM queue ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1' };
const DELETE = { name: 'delete', text: 'DELETE FROM queue WHERE id = $1' };

export async function openRawEmbeddedSide({ databaseUrl, folder }, workload) {
  const flights = new Flights(workload.recipients);
  await mkdir(folder, { recursive: true });
  const db = new pg.Pool({ connectionString: databaseUrl, max: 16 });
  await db.query(`${TABLES}; ${QUEUE}; TRUNCATE queue`);
  const workers = new Workers(db, folder, flights);
  const listener = new pg.Client({ connectionString: databaseUrl });
  await listener.connect();
  listener.on('notification', ({ payload }) => workers.wake(Number(payload)));
  await listener.query('LISTEN raw_queue');

  return {
    flights,
    async send(buffer) {
      const id = randomUUID();
      const digest = sha256(buffer);
      await writeDurably(folder, id, buffer);
      const client = await db.connect();
      try {
        await client.query('BEGIN');
        await client.query({ ...INSERT, values: [id, buffer.length, digest, id, workload.recipients] });
        await client.query({ ...ENQUEUE, values: [id, workload.recipients, id, digest] });
        await client.query('COMMIT');
        client.release();
      } catch (error) {
        client.release(error);
        throw error;
      }
      flights.completed(id);
      await flights.arrival(id);
    },
    async close() {
      await workers.idle();
      await listener.end();
      await db.end();
    },
  };
}

/** At most 8 rows in work: half of the connections, so that senders find one. */
const AT_ONCE = 8;

class Workers {
  #running = new Set();
  #woken = 0;

  constructor(db, folder, flights) {
    Object.assign(this, { db, folder, flights });
  }

  /** There are so many rows more. */
  wake(rows) {
    this.#woken += 1;
    for (let begun = 0; begun < rows && this.#running.size < AT_ONCE; begun += 1) {
      const work = this.#work().finally(() => this.#running.delete(work));
      this.#running.add(work);
    }
  }

  async idle() {
    await Promise.all(this.#running);
  }

  /** Takes rows until there is none left, and none has come since it looked. */
  async #work() {
    const client = await this.db.connect();
    try {
      let seen;
      do {
        seen = this.#woken;
        while (await this.#one(client));
      } while (seen !== this.#woken);
    } finally {
      client.release();
    }
  }

  async #one(client) {
    await client.query('BEGIN');
    const row = (await client.query(TAKE)).rows[0];
    if (!row) {
      await client.query('COMMIT');
      return false;
    }
    const { packet_id: id, destination, object_key: key, sha256: digest } = row;
    const path = join(this.folder, key);
    this.flights.noticed(id, destination);
    try {
      await checkDigest(createReadStream(path, { highWaterMark: 256 * 1024 }), digest);
      const { rows } = await client.query({ ...UPDATE, values: [id, destination] });
      await client.query({ ...DELETE, values: [row.id] });
      await client.query('COMMIT');
      this.flights.confirmed(id, destination);
      if (rows[0].remaining > 0) return true;
      await unlink(path);
      this.flights.purged(id);
    } catch (error) {
      await client.query('ROLLBACK');
      this.flights.failed(id, error);
    }
    return true;
  }
}

async function writeDurably(folder, name, buffer) {
  const aside = join(folder, `${name}.new`);
  const file = await open(aside, 'wx');
  try {
    await file.writeFile(buffer);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, join(folder, name));
  const directory = await open(folder, 'r');
  await directory.sync().finally(() => directory.close());
}
