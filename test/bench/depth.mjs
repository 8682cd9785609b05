// npm run bench:depth: one packet to 500 recipients, and a million deliveries that wait for others. On the embedded default. Prints what it measured and
// which tables were read without an index; exit code 1 when a table that grows was.
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { signRequest } from '@lienthong/signing';
import { LienThongClient } from '@lienthong/client';
import pg from 'pg';
import { Agent, request } from 'undici';
import { populate } from './crowd/population.mjs';
import { LoadProcess } from './load/load-process.mjs';
import { percentile } from './measure/percentiles.mjs';
import { loadAverage } from './measure/processes.mjs';
import { startEmbedded } from './platform/embedded.mjs';
import { makeParties } from './platform/parties.mjs';

const { values } = parseArgs({
  options: { waiting: { type: 'string', default: '1000000' }, seconds: { type: 'string', default: '15' } },
});
const WAITING = Number(values.waiting);
const SECONDS = Number(values.seconds);
const RECIPIENTS = 500;
const SYSTEMS = 1000;
const RECIPIENTS_WAITING = 50;
const LISTINGS = 60;
const PAGE = 50;
/** What a platform has more and more of. The outbox and the streams are read whole when they are nearly empty, which is right. */
const GROWING = ['packets', 'parts', 'deliveries', 'events', 'receipts'];

const say = (text) => process.stdout.write(`${text}  [load average ${loadAverage()[0]}]\n`);
const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const spread = (times) => `p50/p99 ${ms(percentile(times, 50))} / ${ms(percentile(times, 99))}`;

async function timed(work) {
  const began = performance.now();
  const result = await work();
  return [performance.now() - began, result];
}

/** Requests signed with the one RSA key of the population. */
function caller(baseUrl, privateKeyPem) {
  const dispatcher = new Agent({ connections: 32 });
  return async ({ accessKey }, method, target, body) => {
    const text = body && JSON.stringify(body);
    const signed = signRequest(
      { method, target, body: text },
      { keyId: accessKey, alg: 'rsa-pss-sha512', privateKeyPem },
    );
    const headers = { ...(text && { 'content-type': 'application/json' }), ...signed };
    const answer = await request(baseUrl + target, { method, headers, body: text, dispatcher });
    const document = await answer.body.json();
    if (answer.statusCode >= 300) throw new Error(`${method} ${target}: ${answer.statusCode} ${document.code}`);
    return document;
  };
}

/** One packet to many: accepted, planned and told; then taken by each; then gone. */
async function fanOut(platform, db) {
  const parties = await makeParties(platform.admin);
  const { systems, privateKeyPem } = await populate(platform.databaseUrl, parties, RECIPIENTS);
  const call = caller(platform.target.baseUrl, privateKeyPem);
  const client = new LienThongClient({ baseUrl: platform.target.baseUrl, ...parties.source });
  const content = Buffer.from('Kính gửi các đơn vị');
  for (const to of [systems.slice(0, 1), systems]) {
    const files = [{ name: 'thu.txt', mediaType: 'text/plain', buffer: content }];
    const [answerMs, { packetId }] = await timed(() =>
      client.sendFiles({
        to: to.map(({ systemId }) => systemId),
        title: 'Một gói tin, nhiều nơi nhận',
        files,
        protocol: 'inline',
      }),
    );
    const told = async () => {
      const { rows } = await db.query(
        `SELECT count(*)::int AS n FROM events WHERE packet_id = $1 AND type = 'packet.available' AND "offset" IS NOT NULL`,
        [packetId],
      );
      return rows[0].n === to.length;
    };
    const [toldMs] = await timed(async () => {
      while (!(await told())) await sleep(5);
    });
    const { rows: deliveries } = await db.query(
      'SELECT id, system_id FROM deliveries WHERE packet_id = $1 ORDER BY system_id',
      [packetId],
    );
    const keyOf = new Map(systems.map((system) => [system.systemId, system]));
    const times = [];
    const queue = [...deliveries];
    const [takenMs] = await timed(() =>
      Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let one = queue.shift(); one; one = queue.shift()) {
            const system = keyOf.get(one.system_id);
            const began = performance.now();
            const { space } = await call(system, 'POST', `/v1/deliveries/${one.id}/ready`);
            const parts = space.downloads.map(({ part, sha256 }) => ({ name: part, sha256 }));
            await call(system, 'POST', `/v1/deliveries/${one.id}/confirm`, { outcome: 'accepted', parts });
            times.push(performance.now() - began);
          }
        }),
      ),
    );
    const [goneMs] = await timed(async () => {
      for (;;) {
        const { rows } = await db.query('SELECT purged_at FROM packets WHERE id = $1', [packetId]);
        if (rows[0].purged_at) return;
        await sleep(10);
      }
    });
    const tenth = Math.max(1, Math.floor(times.length / 10));
    say(
      `one packet to ${to.length}: answered in ${ms(answerMs)}, all told ${ms(toldMs)} later; taken by all in ${ms(takenMs)}, ready and confirm ${spread(times)}` +
        (to.length > 1
          ? `, median of the first tenth ${ms(percentile(times.slice(0, tenth), 50))}, of the last ${ms(percentile(times.slice(-tenth), 50))}`
          : '') +
        `; content gone ${ms(goneMs)} after the last`,
    );
  }
  await client.close();
}

/** Packets of 50 recipients each, of a source and to so many systems of their own; all are warned of and reminded later. */
async function fill(db, platform, { waiting, systems: count }) {
  const parties = await makeParties(platform.admin);
  const { systems, privateKeyPem } = await populate(platform.databaseUrl, parties, count);
  const { systemId } = parties.source;
  await db.query('SET statement_timeout = 0');
  const [took] = await timed(async () => {
    await db.query(
      `CREATE UNLOGGED TABLE bench_depth AS
       SELECT p, gen_random_uuid() AS id, now() - interval '1 day' + p * interval '1 second' AS at FROM generate_series(1, $1::int) p`,
      [waiting / RECIPIENTS_WAITING],
    );
    await db.query(
      `INSERT INTO packets (id, source, state, title, priority, data_type, protocol, recipients, created_at, space_expires_at, received_at, analysed_at, deliver_by)
       SELECT id, $1, 'scheduled', 'Gói tin chờ', 0, 'file', 'inline', '[]', at, at + interval '1 day', at, at, now() + interval '4 days' FROM bench_depth`,
      [systemId],
    );
    await db.query(
      `INSERT INTO parts (packet_id, ordinal, name, media_type, size, sha256, object_key)
       SELECT id, 0, 'a.bin', 'application/octet-stream', 1, encode(sha256(id::text::bytea), 'base64'), 'packets/' || id FROM bench_depth`,
    );
    await db.query(
      `INSERT INTO receipts (jti, packet_id, event, at, jws) SELECT gen_random_uuid(), id, 'packet.accepted', at, repeat(md5(id::text), 8) FROM bench_depth`,
    );
    await db.query(
      `INSERT INTO deliveries (id, packet_id, system_id, address, routed_by, state, priority, announced, available_at, deliver_by, warn_at, next_reminder_at)
       SELECT gen_random_uuid(), b.id, s.id, s.id, 'system', CASE WHEN random() < 0.5 THEN 'pending' ELSE 'notified' END, 0, 1, b.at, now() + interval '4 days',
              now() + interval '1 day' + random() * interval '2 days', now() + interval '1 hour' + random() * interval '1 day'
       FROM bench_depth b, (SELECT id, row_number() OVER () AS n FROM systems WHERE id LIKE $1 || '-%') s
       WHERE s.n % ${count / RECIPIENTS_WAITING} = b.p % ${count / RECIPIENTS_WAITING}`,
      [systemId],
    );
    await db.query(
      `INSERT INTO events (system_id, "offset", id, type, packet_id, delivery_id, at, data)
       SELECT d.system_id, row_number() OVER (PARTITION BY d.system_id ORDER BY d.available_at), gen_random_uuid(), 'packet.available', d.packet_id, d.id, d.available_at, '{}'
       FROM deliveries d WHERE d.system_id LIKE $1 || '-%'`,
      [systemId],
    );
    await db.query(
      `INSERT INTO streams (system_id, last_offset) SELECT system_id, max("offset") FROM events WHERE system_id LIKE $1 || '-%' GROUP BY system_id`,
      [systemId],
    );
    await db.query('DROP TABLE bench_depth');
    await db.query('VACUUM (ANALYZE)');
  });
  const { rows } = await db.query(
    `SELECT count(*)::int AS n FROM deliveries WHERE state IN ('pending', 'notified', 'ready')`,
  );
  say(`filled in ${(took / 1000).toFixed(0)} s: ${rows[0].n} deliveries waiting`);
  return { systems, privateKeyPem, parties };
}

const scans = async (db) => {
  const { rows } = await db.query(
    `SELECT relname AS name, seq_scan::int AS seq, seq_tup_read::bigint AS "seqRows", coalesce(idx_scan, 0)::int AS idx, coalesce(idx_tup_fetch, 0)::bigint AS "idxRows"
     FROM pg_stat_user_tables`,
  );
  return new Map(rows.map((row) => [row.name, row]));
};

/** Packets through all seven steps, as in `npm run bench`: planned, told, confirmed, purged. */
async function round(platform, db, parties) {
  const load = new LoadProcess();
  try {
    await load.ask('open', { kind: 'platform', target: { ...platform.target, parties }, workload: 'inline' });
    await load.ask('run', { seconds: 5 });
    const { rows: began } = await db.query('SELECT now() AS at');
    const { arrived, seconds, toNotice, toConfirmed, unpurged, failures } = await load.ask('run', { seconds: SECONDS });
    if (unpurged > 0 || Object.keys(failures).length > 0)
      throw new Error(`lost: ${unpurged}, ${JSON.stringify(failures)}`);
    const { rows: purges } = await db.query(
      `SELECT extract(epoch FROM purged_at - finished_at)::float8 * 1000 AS ms FROM packets WHERE source = $1 AND purged_at >= $2`,
      [parties.source.systemId, began[0].at],
    );
    return { perSecond: arrived / seconds, toNotice, toConfirmed, toPurged: purges.map((row) => row.ms) };
  } finally {
    await load.close();
  }
}

const told = (name, { perSecond, toNotice, toConfirmed, toPurged }) =>
  say(
    `${name}: ${perSecond.toFixed(1)} packets/s through all seven steps, to notice ${spread(toNotice)}, to confirmed ${spread(toConfirmed)}, from the last confirmation to the purge on record ${spread(toPurged)}`,
  );

/** First pages as a destination and as a source of what was filled in see them. */
async function listings(platform, { systems, privateKeyPem, parties }, waiting) {
  const call = caller(platform.target.baseUrl, privateKeyPem);
  const own = new LienThongClient({ baseUrl: platform.target.baseUrl, ...parties.source });
  const [inward, outward] = [[], []];
  for (let n = 0; n < LISTINGS; n += 1) {
    const system = systems[n % systems.length];
    inward.push((await timed(() => call(system, 'GET', `/v1/deliveries?limit=${PAGE}`)))[0]);
    outward.push((await timed(() => own.packets.list({ limit: PAGE }).next()))[0]);
  }
  await own.close();
  say(`first page of ${PAGE} for a system for which ${waiting / systems.length} wait: ${spread(inward)}`);
  say(`first page of ${PAGE} of a source with ${waiting / RECIPIENTS_WAITING} live packets: ${spread(outward)}`);
}

async function main() {
  Object.assign(process.env, { RATE_LIMIT_PER_MINUTE: '0', RATE_LIMIT_PER_KEY_PER_MINUTE: '0' });
  const platform = await startEmbedded({});
  const db = new pg.Client({ connectionString: platform.databaseUrl });
  try {
    await db.connect();
    await fanOut(platform, db);
    const parties = await makeParties(platform.admin);
    const empty = await round(platform, db, parties);
    told('nothing else on record', empty);
    const page = { waiting: PAGE * RECIPIENTS_WAITING, systems: RECIPIENTS_WAITING };
    await listings(platform, await fill(db, platform, page), page.waiting);
    const full = await fill(db, platform, { waiting: WAITING, systems: SYSTEMS });
    const before = await scans(db);
    const deep = await round(platform, db, parties);
    told(`with ${WAITING} deliveries waiting for others`, deep);
    say(`ratio ${(deep.perSecond / empty.perSecond).toFixed(2)}`);
    await listings(platform, full, WAITING);
    // Statistics of the server are written out when a connection idles, 10 s at the latest.
    await sleep(11_000);
    await db.query('SELECT pg_stat_clear_snapshot()');
    const after = await scans(db);
    let bad = 0;
    for (const name of [...GROWING, 'outbox', 'streams']) {
      const [then, now] = [before.get(name), after.get(name)];
      if (!then || !now) continue;
      const [seq, seqRows] = [now.seq - then.seq, Number(now.seqRows) - Number(then.seqRows)];
      if (GROWING.includes(name) && seqRows > 0) bad += 1;
      say(
        `${name}: ${now.idx - then.idx} index scans (${Number(now.idxRows) - Number(then.idxRows)} rows), ${seq} sequential scans (${seqRows} rows)`,
      );
    }
    const admin = new LienThongClient({ ...platform.admin });
    const [queuesMs] = await timed(() => admin.admin.queues());
    say(`GET /v1/admin/queues, which counts all that waits: ${ms(queuesMs)}`);
    await admin.close();
    if (bad > 0) process.exitCode = 1;
  } finally {
    await db.end();
    await platform.stop();
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exitCode = 1;
});
