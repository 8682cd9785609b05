import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, installPackages, requireReachable, run, serverUser } from './debian.mjs';
import { credentials, ports, stackDir, stackPath, StackError } from './settings.mjs';
import { requireFreePort, runningPid, sleep, startProcess, stopProcess, waitUntilReady } from './supervise.mjs';

const name = 'postgres';
const KILLED_MS = 20_000;
const dataDir = stackPath('postgres');

/** The newest installed version's programs: Debian keeps them off PATH. */
function findBin() {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root) : [];
  return versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
    .find((bin) => findProgram(join(bin, 'postgres')) && findProgram(join(bin, 'psql')));
}

function psql(user, password, database, sql) {
  const args = ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-p', String(ports.postgres), '-U', user];
  return run(name, join(findBin(), 'psql'), [...args, '-d', database], { env: { PGPASSWORD: password }, input: sql });
}

const asAdmin = (sql) => psql('postgres', credentials().postgresAdmin, 'postgres', sql);

async function install() {
  if (!findBin()) await installPackages(['postgresql'], ['postgresql']);
  if (!findBin()) throw new StackError('No PostgreSQL server was found under /usr/lib/postgresql.');
}

function makeCluster(user) {
  if (existsSync(join(dataDir, 'PG_VERSION'))) return;
  // What an interrupted initdb left would make the next one refuse.
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { mode: 0o700 });
  const passwordFile = stackPath('postgres-password');
  writeFileSync(passwordFile, credentials().postgresAdmin, { mode: 0o600 });
  try {
    if (user) for (const path of [dataDir, passwordFile]) chownSync(path, user.uid, user.gid);
    chmodSync(dataDir, 0o700);
    const options = [
      '-A',
      'scram-sha-256',
      '-U',
      'postgres',
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
    ];
    run(name, join(findBin(), 'initdb'), ['-D', dataDir, ...options], { user });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function makeDatabase() {
  // CREATEDB: tests make databases of their own beside this one.
  if (asAdmin("SELECT 1 FROM pg_roles WHERE rolname = 'lienthong'").trim() !== '1')
    asAdmin("CREATE ROLE lienthong LOGIN CREATEDB PASSWORD 'lienthong'");
  if (asAdmin("SELECT 1 FROM pg_roles WHERE rolname = 'lienthong_app'").trim() !== '1')
    asAdmin("CREATE ROLE lienthong_app LOGIN PASSWORD 'lienthong_app'");
  if (asAdmin("SELECT 1 FROM pg_database WHERE datname = 'lienthong'").trim() !== '1')
    asAdmin('CREATE DATABASE lienthong OWNER lienthong');
}

function check() {
  return psql('lienthong', 'lienthong', 'lienthong', 'SHOW server_version').trim();
}

/** Of a server beside the primary, the primary's own unless told otherwise. */
async function launch(user, { as = name, port = ports.postgres, folder = dataDir } = {}) {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    fsync: 'on',
    synchronous_commit: 'on',
    shared_buffers: '256MB',
    log_line_prefix: '%m [%p] %d %e ',
  };
  const args = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  await startProcess(as, join(findBin(), 'postgres'), ['-D', folder, ...args], { user, cwd: folder });
}

async function start() {
  const user = serverUser('postgres');
  if (runningPid(name) === undefined) {
    requireReachable(stackDir, user);
    await requireFreePort(ports.postgres, 'PostgreSQL');
    makeCluster(user);
    // After a SIGKILL the old backends hold the shared memory for a moment and a new server refuses to start.
    for (const limit = Date.now() + KILLED_MS; ; await sleep(500)) {
      await launch(user);
      try {
        await waitUntilReady(name, () => asAdmin('SELECT 1'));
        break;
      } catch (error) {
        if (Date.now() > limit || runningPid(name) !== undefined) throw error;
      }
    }
  }
  // Also where it runs already: an older stack has one role.
  makeDatabase();
  return `PostgreSQL ${await waitUntilReady(name, check)}`;
}

// SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
const stop = () => stopProcess(name, { signal: 'SIGINT' });

export const postgres = { main: name, processes: [name], install, start, stop };

const standbyName = 'postgres-standby';
const standbyDir = stackPath(standbyName);
const standbySql = (sql) =>
  run(
    standbyName,
    join(findBin(), 'psql'),
    ['-XqAt', '-h', '127.0.0.1', '-p', String(ports.postgresStandby), '-U', 'postgres', '-d', 'postgres'],
    {
      env: { PGPASSWORD: credentials().postgresAdmin },
      input: sql,
    },
  );

/**
 * A copy of the primary that streams from it. Once it follows, the primary waits for it with every commit (`synchronous_standby_names`): what was
 * acknowledged is on both, and nothing is lost when the primary is.
 */
async function startStandby() {
  const user = serverUser('postgres');
  if (!existsSync(join(standbyDir, 'PG_VERSION'))) {
    rmSync(standbyDir, { recursive: true, force: true });
    mkdirSync(standbyDir, { mode: 0o700 });
    if (user) chownSync(standbyDir, user.uid, user.gid);
    const primary = `host=127.0.0.1 port=${ports.postgres} user=postgres password=${credentials().postgresAdmin} application_name=${standbyName}`;
    run(
      standbyName,
      join(findBin(), 'pg_basebackup'),
      ['-D', standbyDir, '-R', '-X', 'stream', '-c', 'fast', '-d', primary],
      { user },
    );
  }
  if (runningPid(standbyName) === undefined) {
    await requireFreePort(ports.postgresStandby, 'the standby of PostgreSQL');
    await launch(user, { as: standbyName, port: ports.postgresStandby, folder: standbyDir });
  }
  await waitUntilReady(standbyName, () => standbySql('SELECT 1'));
  if (standbySql('SELECT pg_is_in_recovery()').trim() === 't') {
    asAdmin(`ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 ("${standbyName}")'`);
    asAdmin('SELECT pg_reload_conf()');
    await waitUntilReady(standbyName, () => {
      const state = asAdmin(
        `SELECT sync_state FROM pg_stat_replication WHERE application_name = '${standbyName}'`,
      ).trim();
      if (state !== 'sync') throw new Error(`the standby is ${state || 'not connected'}`);
    });
  }
  return 'streaming standby, synchronous';
}

/** By hand, when the primary is gone: the standby becomes the primary. The old one must not come back as one. */
export function promoteStandby() {
  standbySql('SELECT pg_promote(true, 30)');
}

export const postgresStandby = {
  main: standbyName,
  processes: [standbyName],
  install,
  start: startStandby,
  stop: () => stopProcess(standbyName, { signal: 'SIGINT' }),
};
