import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { findProgram, installPackages, requireReachable, run, serverUser } from './debian.mjs';
import { credentials, ports, rabbitmqPorts, stackDir, stackPath, StackError } from './settings.mjs';
import {
  firstAnswer,
  recordProcess,
  requireFreePort,
  runningPid,
  startProcess,
  stopProcess,
  waitUntilReady,
} from './supervise.mjs';

/** Node 1 is the stack's broker; 2 and 3 join it where a cluster is wanted (`npm run test:cluster`). */
const nodeOf = (number) => {
  const name = number === 1 ? 'rabbitmq' : `rabbitmq-${number}`;
  const dataDir = stackPath(name);
  return {
    number,
    name,
    wrapper: `${name}-wrapper`,
    dataDir,
    pidFile: join(dataDir, 'pid'),
    nodename: number === 1 ? 'lienthong@localhost' : `lienthong${number}@localhost`,
    ...rabbitmqPorts(number),
  };
};
const first = nodeOf(1);
const cookieOf = ({ dataDir }) => join(dataDir, '.erlang.cookie');

// Not the one on PATH: Debian's is a wrapper that changes users and folders.
const findServer = () => findProgram('/usr/lib/rabbitmq/bin/rabbitmq-server', '/opt/rabbitmq/sbin/rabbitmq-server');
const findControl = () => findProgram('/usr/lib/rabbitmq/bin/rabbitmqctl', '/opt/rabbitmq/sbin/rabbitmqctl');

async function install() {
  if (!findServer()) await installPackages(['rabbitmq-server'], ['rabbitmq-server', 'epmd.socket', 'epmd.service']);
  if (!findServer()) throw new StackError('No RabbitMQ server was found under /usr/lib/rabbitmq.');
}

function writeConfiguration(node, user) {
  const { dataDir, amqp, management, number } = node;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const files = {
    enabled_plugins: '[rabbitmq_management].\n',
    'rabbitmq.conf': [
      `listeners.tcp.1 = 127.0.0.1:${amqp}`,
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${management}`,
      // Taken only by the first start, when the node has no data yet.
      'default_vhost = lienthong',
      'default_user = lienthong',
      `default_pass = ${credentials().rabbitmq}`,
      'default_user_tags.administrator = true',
      'log.console = true',
      'log.file = false',
      // Nodes that cannot see a majority stop until they can: what they would accept meanwhile nobody could promise.
      'cluster_partition_handling = pause_minority',
      ...(number > 1
        ? [
            'cluster_formation.peer_discovery_backend = classic_config',
            `cluster_formation.classic_config.nodes.1 = ${first.nodename}`,
            `cluster_formation.classic_config.nodes.2 = ${node.nodename}`,
          ]
        : []),
      '',
    ].join('\n'),
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dataDir, file), text, { mode: 0o600 });
  // Nodes of a cluster know each other by it; the first has made its own.
  if (number > 1) {
    rmSync(cookieOf(node), { force: true });
    copyFileSync(cookieOf(first), cookieOf(node));
    chmodSync(cookieOf(node), 0o400);
    if (user) chownSync(cookieOf(node), user.uid, user.gid);
  }
  if (user)
    for (const path of ['', ...Object.keys(files)].map((file) => join(dataDir, file)))
      chownSync(path, user.uid, user.gid);
}

/** Also what `rabbitmqctl` needs to reach this node. */
export function rabbitmqEnv({ dataDir, nodename, distribution, pidFile } = first) {
  return {
    ...process.env,
    HOME: dataDir,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: nodename,
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    RABBITMQ_CONFIG_FILE: join(dataDir, 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: join(dataDir, 'none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dataDir, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(dataDir, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dataDir, 'log'),
    RABBITMQ_PID_FILE: pidFile,
  };
}

/** AMQP answers its greeting, and the user may enter the vhost. Returns the version. */
async function check({ amqp, management }) {
  const answer = await firstAnswer(amqp, Buffer.from('AMQP\x00\x00\x09\x01', 'latin1'));
  if (answer[0] !== 1) throw new Error('the AMQP port did not answer with a method frame');
  const authorization = `Basic ${Buffer.from(`lienthong:${credentials().rabbitmq}`).toString('base64')}`;
  const get = async (path) => {
    const response = await fetch(`http://127.0.0.1:${management}/api/${path}`, {
      headers: { authorization },
    });
    if (!response.ok) throw new Error(`management answered ${response.status} to ${path}`);
    return response.json();
  };
  const { cluster_state: nodes } = await get('vhosts/lienthong');
  if (Object.values(nodes).some((state) => state !== 'running')) throw new Error('the vhost is not running yet');
  return (await get('overview')).rabbitmq_version;
}

async function start(node) {
  const { name, wrapper, dataDir, pidFile, amqp, management } = node;
  if (runningPid(name) === undefined) {
    const user = serverUser('rabbitmq');
    requireReachable(stackDir, user);
    await requireFreePort(amqp, 'RabbitMQ');
    await requireFreePort(management, "RabbitMQ's management");
    writeConfiguration(node, user);
    rmSync(pidFile, { force: true });
    const env = rabbitmqEnv(node);
    // Started here and not by the node: a daemon that the node starts would outlive it unrecorded.
    if (runningPid('epmd') === undefined) {
      await requireFreePort(ports.epmd, "Erlang's port mapper");
      await startProcess('epmd', findProgram('epmd'), ['-port', String(ports.epmd), '-address', '127.0.0.1'], {
        user,
        cwd: dataDir,
        env,
      });
      await waitUntilReady('epmd', () => firstAnswer(ports.epmd, Buffer.from([0, 1, 0x6e])), 10_000);
    }
    await startProcess(wrapper, findServer(), [], { user, cwd: dataDir, env });
    await waitUntilReady(wrapper, () => {
      // The shell script around the node only waits for it; signals go to the node itself.
      recordProcess(name, Number(readFileSync(pidFile, 'utf8')));
      if (runningPid(name) === undefined) throw new Error('the node has not written its pid');
    });
  }
  return `RabbitMQ ${await waitUntilReady(name, () => check(node), 90_000, wrapper)}`;
}

async function stop({ number, name, wrapper, pidFile }) {
  // Before it has told its pid there is only the script, which passes SIGTERM on.
  const ended = await stopProcess(name, { limitMs: 60_000 });
  await stopProcess(wrapper);
  if (number === 1) await stopProcess('epmd');
  if (existsSync(pidFile)) rmSync(pidFile);
  return ended;
}

const driver = (number) => {
  const node = nodeOf(number);
  const processes = [node.name, node.wrapper, ...(number === 1 ? ['epmd'] : [])];
  return { main: node.name, processes, install, start: () => start(node), stop: () => stop(node) };
};

export const rabbitmq = driver(1);
/** They join the first, which must run when they start for the first time, and are stopped before it. */
export const rabbitmqMore = { 'rabbitmq-2': driver(2), 'rabbitmq-3': driver(3) };

/** How long the broker waits for a consumer's answer, on channels that are opened from now on: 2 s, or as it comes (30 min, looked at every minute). */
export function hurry(on) {
  const [patience, tick] = on ? [2_000, 500] : [1_800_000, 60_000];
  const set = (name, value) => `application:set_env(rabbit, ${name}, ${value})`;
  const words = `${set('consumer_timeout', patience)}, ${set('channel_tick_interval', tick)}.`;
  run('rabbitmqctl', findControl(), ['eval', words], {
    env: rabbitmqEnv(),
    user: serverUser('rabbitmq'),
    cwd: first.dataDir,
  });
}

/** The broker's own alarm: less space is free than it wants, and it reads no more from those who publish. */
export function diskAlarm(on, calm = '50MB') {
  const user = serverUser('rabbitmq');
  const limit = on ? '900000GB' : calm;
  run('rabbitmqctl', findControl(), ['set_disk_free_limit', limit], { env: rabbitmqEnv(), user, cwd: first.dataDir });
}
