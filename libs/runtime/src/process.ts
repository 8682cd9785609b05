import { writeSync } from 'node:fs';
import { StartError } from '@lienthong/contracts';
import { ConfigError, withoutPassword } from './config/read-config';
import { outageOf } from './http/outage';
import type { Log } from './log';

/** Why a process could not start, in one sentence for the operator. */
export class BootError extends StartError {
  override readonly name = 'BootError';
}

/** Signals that come within this time of the first are the same stop. */
const ONE_STOP_MS = 1000;
/** After draining, what hangs in closing is not waited for. */
const CLOSE_MS = 40_000;

let close: (() => Promise<void> | undefined) | undefined;
let stopping = false;
let began = 0;

/**
 * Takes charge of the process: SIGTERM and SIGINT close it (exit code 0; a second signal ends it at once with 1), and an error that nobody
 * caught is logged and ends it with 1, because what state it left behind is unknown; the supervisor starts it again.
 * @param closing closes all that has been started so far: called again when that is more, the last one counts
 */
export function ownProcess(log: Log, closing: () => Promise<void> | undefined): void {
  const owned = close !== undefined;
  close = closing;
  if (owned) return;
  const stop = async (signal: string) => {
    // Told to the whole group of processes, and passed on by whoever started this one, a stop comes twice at once; only a later one is of somebody who will not wait.
    if (stopping && performance.now() - began < ONE_STOP_MS) return;
    if (stopping) process.exit(1);
    stopping = true;
    began = performance.now();
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.fatal({}, 'closing took too long');
      process.exit(1);
    }, CLOSE_MS).unref();
    try {
      await close?.();
      process.exit(0);
    } catch (error) {
      log.fatal({ err: error }, 'closing failed');
      process.exit(1);
    }
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);

  const die = (error: unknown) => {
    // What was closed under work that had only begun: closing goes on, for what it has still to stop would be left behind.
    if (stopping) return log.warn({ err: error }, 'failed while stopping');
    if (!explained(error)) log.fatal({ err: error }, 'unhandled error');
    process.exit(1);
  };
  process.on('unhandledRejection', die).on('uncaughtException', die);
}

/**
 * The body of a `main.ts`: `start(async () => boot({ … readConfig(settings, process.env) … }))`.
 * What the operator can put right (settings, a port in use, a dependency away) is said in plain sentences; everything else with its stack. Either way exit code 1.
 */
export function start(work: () => Promise<unknown>): void {
  work().catch((error: unknown) => {
    // What it was starting was taken away from it; who stops it ends the process.
    if (stopping) return;
    const outage = outageOf(error);
    if (outage) sayLast(`Cannot start: no use of the ${outage.what} (${reasonOf(error)}).`);
    else if (!explained(error)) sayLast((error as Error)?.stack ?? String(error));
    process.exit(1);
  });
}

function explained(error: unknown): boolean {
  const plain = error instanceof ConfigError || error instanceof StartError;
  if (plain) sayLast(error.message);
  return plain;
}

/** Written when the process exits, after the log lines that were gathered until then: what the operator reads last is why it ended. */
function sayLast(text: string): void {
  process.on('exit', () => {
    try {
      writeSync(2, `${text}\n`);
    } catch {
      // Nobody reads it; the exit code says that it failed.
    }
  });
}

/** Why a server cannot be used, in a few words, without a password. */
export function reasonOf(error: unknown): string {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: Error[] };
  return withoutPassword(message || errors?.[0]?.message || code || 'unknown');
}
