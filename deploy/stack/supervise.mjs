// Starts, recognises and stops processes by process id. A record is a pid and the tick it started at, so that a pid
// which the system gave to somebody else is never signalled.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { StackError, stackPath } from './settings.mjs';

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const recordFile = (name) => stackPath('pids', `${name}.json`);
export const logFile = (name) => stackPath('logs', `${name}.log`);

/** Start tick (field 22 of proc(5) stat) of a living process; undefined when it is gone or a zombie. */
function startTick(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command, in brackets, may itself hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZX'.includes(fields[0]) ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export function recordProcess(name, pid) {
  writeFileSync(recordFile(name), `${JSON.stringify({ pid, tick: startTick(pid) })}\n`);
}

/** The pid recorded under this name while that very process lives. */
export function runningPid(name) {
  try {
    const { pid, tick } = JSON.parse(readFileSync(recordFile(name), 'utf8'));
    return tick !== undefined && startTick(pid) === tick ? pid : undefined;
  } catch {
    return undefined;
  }
}

export function recordedNames() {
  try {
    return readdirSync(stackPath('pids')).map((file) => file.replace(/\.json$/, ''));
  } catch {
    return [];
  }
}

/** Starts a process that outlives this one, its output appended to its log. */
export function startProcess(name, command, args, { env = process.env, cwd, user } = {}) {
  const log = openSync(logFile(name), 'a', 0o600);
  const child = spawn(command, args, {
    cwd: cwd ?? stackPath(),
    env,
    detached: true,
    stdio: ['ignore', log, log],
    ...(user && { uid: user.uid, gid: user.gid }),
  });
  closeSync(log);
  return new Promise((done, fail) => {
    child.once('error', (error) => fail(new StackError(`${name} cannot be started: ${error.message}.`)));
    child.once('spawn', () => {
      recordProcess(name, child.pid);
      child.unref();
      done(child.pid);
    });
  });
}

/**
 * Gives a process and what it starts the processor before others, by its autogroup (sched(7)): between sessions nice values do nothing. Where there are no
 * autogroups, or they are not ours to set, neither does this.
 */
export function favour(pid, nice = -10) {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(nice));
  } catch {
    // Not Linux, not root, or scheduled by other means.
  }
}

export function signalProcess(name, signal) {
  const pid = runningPid(name);
  if (pid !== undefined) process.kill(pid, signal);
  return pid;
}

/** Signals, waits until the process is gone, and kills it at the limit. Returns how it ended. */
export async function stopProcess(name, { signal = 'SIGTERM', limitMs = 30_000 } = {}) {
  const pid = signalProcess(name, signal);
  if (pid === undefined) {
    rmSync(recordFile(name), { force: true });
    return 'was not running';
  }
  const limit = Date.now() + limitMs;
  let ended = 'stopped';
  while (runningPid(name) !== undefined) {
    if (Date.now() > limit && ended === 'stopped') {
      ended = `killed: it did not stop within ${limitMs / 1000} s`;
      signalProcess(name, 'SIGKILL');
    }
    await sleep(50);
  }
  rmSync(recordFile(name), { force: true });
  return ended;
}

/** Waits for `check` to succeed; fails with the end of the log when the process died or the time is over. `log`: whose log it writes to. */
export async function waitUntilReady(name, check, limitMs = 60_000, log = name) {
  const limit = Date.now() + limitMs;
  for (;;) {
    let reason;
    try {
      return await check();
    } catch (error) {
      reason = error.cause?.message || error.message;
    }
    if (runningPid(name) === undefined) throw new StackError(`${name} ended while starting: ${logTail(log)}`);
    if (Date.now() > limit) throw new StackError(`${name} was not ready after ${limitMs / 1000} s: ${reason}.`);
    await sleep(100);
  }
}

function logTail(name) {
  const lines = readFileSync(logFile(name), 'utf8').trim().split('\n').slice(-5);
  return `${lines.join(' | ').slice(-800)} (log: ${logFile(name)})`;
}

export function requireFreePort(port, purpose) {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', () =>
      fail(
        new StackError(`Port ${port}, wanted for ${purpose}, is in use by a program that this stack did not start.`),
      ),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(done));
  });
}

/** Sends `bytes` to a loopback port and resolves with the first bytes of the answer. */
export function firstAnswer(port, bytes) {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(3000, () => socket.destroy(new Error('no answer within 3 s')));
    socket.once('data', (data) => {
      socket.destroy();
      done(data);
    });
    socket.once('error', fail);
    socket.once('close', () => fail(new Error('connection closed without an answer')));
  });
}
