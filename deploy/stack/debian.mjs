// What comes from the operating system: packages, programs, users.
import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { logFile, sleep } from './supervise.mjs';
import { say, StackError, stackDir } from './settings.mjs';

export const isRoot = process.getuid() === 0;

/** The first of these paths, or programs on PATH, that can be executed. */
export function findProgram(...candidates) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/go/bin'];
  for (const candidate of candidates) {
    const paths = candidate.includes('/') ? [candidate] : folders.map((folder) => join(folder, candidate));
    for (const path of paths) {
      try {
        accessSync(path, constants.X_OK);
        if (statSync(path).isFile()) return path;
      } catch {
        // Not here: the next candidate.
      }
    }
  }
  return undefined;
}

/** Runs a short command; its output goes to the named log unless it is wanted back. */
export function run(log, command, args, { env, user, input, cwd } = {}) {
  const result = spawnSync(command, args, {
    cwd: cwd ?? stackDir,
    env: { ...process.env, ...env },
    input,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...(user && { uid: user.uid, gid: user.gid }),
  });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  writeFileSync(logFile(log), `$ ${command} ${args.join(' ')}\n${output}`, { flag: 'a', mode: 0o600 });
  if (result.error || result.status !== 0) {
    const reason =
      result.error?.message ?? (output.trim().split('\n').slice(-3).join(' | ') || `exit ${result.status}`);
    throw new StackError(`${command} failed: ${reason} (log: ${logFile(log)})`);
  }
  return result.stdout;
}

const policyFile = '/usr/sbin/policy-rc.d';

/** Debian's packages start their services when installed; invoke-rc.d asks this script first (101 = forbidden). */
function withoutServiceStarts(install) {
  const before = existsSync(policyFile)
    ? { text: readFileSync(policyFile), mode: statSync(policyFile).mode & 0o777 }
    : undefined;
  writeFileSync(policyFile, '#!/bin/sh\nexit 101\n');
  chmodSync(policyFile, 0o755);
  try {
    install();
  } finally {
    if (before === undefined) rmSync(policyFile);
    else {
      writeFileSync(policyFile, before.text);
      chmodSync(policyFile, before.mode);
    }
  }
}

/** Installs Debian packages without leaving a system-wide service running, now or after the next boot. */
export async function installPackages(packages, services = []) {
  const names = packages.join(', ');
  const apt = findProgram('apt-get');
  if (!apt) throw new StackError(`Missing ${names}, and this is not a Debian system: install it by hand.`);
  if (!isRoot) throw new StackError(`Missing ${names}: run "apt-get install ${packages.join(' ')}" as root first.`);
  say(`installing ${names} with apt-get`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  for (let attempt = 1; ; attempt += 1) {
    try {
      run('apt', apt, [...options, 'update'], { env });
      withoutServiceStarts(() =>
        run('apt', apt, [...options, 'install', '-y', '--no-install-recommends', ...packages], { env }),
      );
      break;
    } catch (error) {
      // Another apt-get holds the package lists' lock, which has no waiting option.
      if (attempt === 3) throw error;
      await sleep(5000);
    }
  }
  const systemctl = findProgram('systemctl');
  if (!systemctl) return;
  for (const service of services) {
    try {
      run('apt', systemctl, ['disable', service]);
    } catch {
      // Without systemd nothing starts at boot anyway.
    }
  }
}

/** The user a server runs as: the caller, or, since these servers should not run as root, the first that exists. */
export function serverUser(...names) {
  if (!isRoot) return undefined;
  const entries = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of [...names, 'nobody']) {
    const entry = entries.map((line) => line.split(':')).find(([login]) => login === name);
    if (entry) return { name, uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new StackError(`None of the users ${names.join(', ')} exists to run a server as.`);
}

/** A server's unprivileged user cannot enter, say, a stack folder below /root. */
export function requireReachable(folder, user) {
  if (!user) return;
  const result = spawnSync('test', ['-x', folder], { cwd: '/', uid: user.uid, gid: user.gid });
  if (result.status !== 0)
    throw new StackError(
      `User ${user.name} cannot enter ${folder}: set STACK_DIR to a folder that every user can reach.`,
    );
}
