// npm run test:cluster: two instances of every app, three RabbitMQ nodes, PostgreSQL with a synchronous standby; restarts and losses under load.
// Prints its numbers; exit code 1 when a packet that was acknowledged is lost, or a bound is missed. Takes five to eight minutes.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';

const { values } = parseArgs({ options: { only: { type: 'string', default: 'rolling,one-node,two-nodes,primary' } } });
const PHASES = values.only.split(',');
const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'lienthong-cluster-'));
chmodSync(folder, 0o711);
Object.assign(process.env, { STACK_DIR: folder, STACK_PORT_OFFSET: process.env.STACK_PORT_OFFSET || '-10000' });

const { Front } = await import('./front.mjs');
const { Traffic } = await import('./traffic.mjs');
const { makeParties } = await import('../bench/platform/parties.mjs');
const { loadAverage } = await import('../bench/measure/processes.mjs');
const stack = await import('../../deploy/stack/processes.mjs');
const { adminKeyFile, appEnv, apps, instances, ports, publicUrl, rabbitmqPorts, serverEnv } =
  await import('../../deploy/stack/settings.mjs');

const DRAIN_MS = 30_000;
const SETTLE_MS = 120_000;
const missed = [];
const say = (text) => process.stdout.write(`${text}\n`);
function tell(what, figure, holds = true) {
  if (!holds) missed.push(what);
  say(`${what}: ${figure}${holds ? '' : '  NOT REACHED'}  [load average ${loadAverage()[0]}]`);
}

function program(...args) {
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, env: process.env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')} failed: ${stderr.trim().split('\n').slice(-5).join('\n')}`);
}

async function main() {
  const began = Date.now();
  program('deploy/stack/up.mjs');
  for (const server of stack.moreServers) say(`${server}: ${await stack.startServer(server)}`);
  const env = serverEnv();
  stack.migrate();
  const database = await new Front([ports.postgres]).listen();
  const broker = await new Front([1, 2, 3].map((node) => rabbitmqPorts(node).amqp)).listen();
  const appSettings = {
    DATABASE_URL: database.address(appEnv('connector', 1).DATABASE_URL),
    RABBITMQ_URL: broker.address(env.RABBITMQ_URL),
    RATE_LIMIT_PER_MINUTE: '0',
    LOG_LEVEL: 'warn',
  };
  const startOne = (app, instance) => stack.startApp(app, instance, { env: appSettings });
  for (const app of apps) await Promise.all(instances.map((instance) => startOne(app, instance)));
  await stack.startGateway();
  await replicas(env);
  const { accessKey, secretKey } = JSON.parse(readFileSync(adminKeyFile, 'utf8'));
  const parties = await makeParties({ baseUrl: publicUrl, accessKey, secretKey });
  const traffic = new Traffic(publicUrl, parties);
  traffic.start();
  await sleep(5000);
  say(
    `ready after ${((Date.now() - began) / 1000).toFixed(0)} s, ${traffic.acknowledged.length} packets acknowledged so far`,
  );
  const phase = { rolling, 'one-node': oneNode, 'two-nodes': twoNodes, primary };
  try {
    for (const name of PHASES) await phase[name]();
    await traffic.stopSending();
    const seconds = await traffic.settled(SETTLE_MS);
    tell(
      'at the end',
      `${traffic.acknowledged.length} packets acknowledged of ${traffic.offered} offered, ${traffic.errors.length} requests failed after one retry, ${traffic.open.length} not completed; the last ones took ${seconds?.toFixed(1) ?? '> 120'} s`,
      traffic.open.length === 0,
    );
    tell(
      'packets that came twice',
      `${traffic.duplicates} of ${traffic.contents} contents; ${traffic.noticedAgain} notices came again`,
      traffic.duplicates === 0 && traffic.contents >= traffic.acknowledged.length,
    );
  } finally {
    traffic.sendingStopped = true;
    await traffic.close();
    database.close();
    broker.close();
  }
  say(`${((Date.now() - began) / 1000).toFixed(0)} s in all`);

  /** What became of the packets of a phase; `errors` is how many failures after a second try are allowed. */
  async function check(name, since, { errors = 0 } = {}) {
    const seconds = await traffic.settled(SETTLE_MS);
    const seen = traffic.since(since);
    const texts = new Map();
    for (const { text } of seen.errors) texts.set(text, (texts.get(text) ?? 0) + 1);
    const failed = [...texts].map(([text, n]) => `${n}× ${text}`);
    tell(
      `${name}: packets`,
      `${seen.acked} acknowledged, ${seen.completed} completed (the last ${seconds?.toFixed(1) ?? '> 120'} s later), slowest notice ${(seen.slowestNoticeMs / 1000).toFixed(1)} s, ${seen.errors.length} errors after one retry${failed.length > 0 ? ` (${failed.join('; ')})` : ''}`,
      seconds !== null && seen.errors.length <= errors,
    );
  }

  async function rolling() {
    const since = Date.now();
    const drains = [];
    for (const app of apps)
      for (const instance of instances) {
        const asked = Date.now();
        await stack.stopApp(app, instance);
        drains.push({ app, ms: Date.now() - asked });
        await startOne(app, instance);
      }
    const slowest = drains.toSorted((a, b) => b.ms - a.ms)[0];
    tell(
      'rolling restart of 4 apps × 2 instances',
      `slowest drain ${slowest.ms} ms (${slowest.app}), ${((Date.now() - since) / 1000).toFixed(0)} s in all`,
      slowest.ms <= DRAIN_MS,
    );
    await check('rolling restart', since);
  }

  async function oneNode() {
    const since = Date.now();
    await stack.killServer('rabbitmq-2');
    await sleep(15_000);
    await check('one of three RabbitMQ nodes killed (-9)', since);
    await stack.startServer('rabbitmq-2');
  }

  async function twoNodes() {
    const since = Date.now();
    await Promise.all(['rabbitmq-2', 'rabbitmq-3'].map((server) => stack.killServer(server)));
    await sleep(15_000);
    const meanwhile = traffic.since(since);
    tell(
      'two of three RabbitMQ nodes killed (-9)',
      `${meanwhile.acked} packets accepted in 15 s, ${meanwhile.errors.length} errors after one retry`,
      meanwhile.acked > 100 && meanwhile.errors.length === 0,
    );
    await Promise.all(['rabbitmq-2', 'rabbitmq-3'].map((server) => stack.startServer(server)));
    await check('after their return', since);
  }

  async function primary() {
    const since = Date.now();
    await stack.killServer('postgres');
    const acked = traffic.acknowledged;
    // As long as a person needs at the very least; in between nothing is acknowledged.
    await sleep(3000);
    stack.promoteStandby();
    database.moveTo(ports.postgresStandby);
    const moved = Date.now();
    while (traffic.since(moved).acked === 0 && Date.now() - moved < 60_000) await sleep(100);
    const onStandby = new URL(env.DATABASE_URL);
    onStandby.port = String(ports.postgresStandby);
    const db = new pg.Client({ connectionString: onStandby.href });
    await db.connect();
    const { rows } = await db.query('SELECT count(*)::int AS n FROM packets WHERE id = ANY($1)', [acked]);
    await db.end();
    tell(
      'PostgreSQL primary killed (-9), standby promoted',
      `${rows[0].n} of ${acked.length} acknowledged packets are there; new ones acknowledged ${((Date.now() - moved) / 1000).toFixed(1)} s after the address moved`,
      rows[0].n === acked.length && Date.now() - moved < 30_000,
    );
    await sleep(10_000);
    // Without a database nothing can be accepted: who asked in those seconds, and once more, may have heard no both times.
    await check('primary lost', since, { errors: Infinity });
    const late = traffic.since(moved + 10_000).errors.length;
    tell('errors from 10 s after the promotion', late, late === 0);
  }
}

/** Every queue has a member on each node, or the cluster is one in name only. */
async function replicas(env) {
  const url = new URL(env.RABBITMQ_MANAGEMENT_URL);
  const authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`;
  const answer = await fetch(`${url.origin}/api/queues/lienthong`, { headers: { authorization } });
  const queues = await answer.json();
  const fewest = Math.min(...queues.map(({ members = [] }) => members.length));
  tell('quorum queues', `${queues.length}, each with ${fewest} members`, queues.length > 0 && fewest === 3);
}

process.umask(0o077);
let failure;
try {
  await main();
} catch (error) {
  failure = error;
  say(error.stack ?? String(error));
} finally {
  spawnSync(process.execPath, ['deploy/stack/down.mjs'], { cwd: root, env: process.env });
  if (failure === undefined || !process.env.KEEP) rmSync(folder, { recursive: true, force: true });
}
say(missed.length === 0 && !failure ? 'the cluster holds' : `NOT REACHED: ${missed.join('; ') || failure.message}`);
process.exit(missed.length === 0 && !failure ? 0 : 1);
