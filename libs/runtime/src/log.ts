import type { LoggerService } from '@nestjs/common';
import { pino } from 'pino';
import { withoutPassword } from './config/read-config';

type Write = (fields: object | string, message?: string) => void;

/** The log of a process, JSON lines; also an injection token. A pino logger is one. */
export abstract class Log {
  abstract readonly fatal: Write;
  abstract readonly error: Write;
  abstract readonly warn: Write;
  abstract readonly info: Write;
  abstract readonly debug: Write;
  abstract child(fields: Record<string, unknown>): Log;
}

/** Never written, whatever object they come in. */
const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'signature',
  'secret',
  'secretKey',
  'sessionKey',
  'accessToken',
  'password',
  'ticket',
];

/**
 * @param options.level `silent` in tests
 * @param destination where lines go; standard output unless given
 */
export function createLog(options: { name: string; level: string }, destination?: { write(line: string): void }): Log {
  return pino(
    {
      level: options.level,
      base: { app: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'event',
      formatters: { level: (level) => ({ level }) },
      serializers: { err: errorLine },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '•••' },
      hooks: { streamWrite: scrub },
    },
    destination ?? standardOutput(),
  );
}

/**
 * Lines are gathered up to 8 KiB, or for 200 ms: one write for some twenty of them. That write is not given to another thread, for what a thread has not
 * written is lost when the process exits (seen: 192 lines of 30,000). What is gathered is written when the process exits, whether it is asked to or dies
 * of an error, and at once after a `fatal`; only a SIGKILL loses the lines of the last 200 ms.
 */
function standardOutput(): { write(line: string): void } {
  const output = pino.destination({ fd: 1, sync: true, minLength: 8192, periodicFlush: 200 });
  process.on('exit', () => {
    try {
      output.flushSync();
    } catch {
      // Whoever read it is gone: there is nobody to tell, and the exit code is to stay what it is.
    }
  });
  return output;
}

/** Only what names an error: database errors also carry the statement, its parameters and values of the row, which are not for a log. */
function errorLine(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' ? { type: 'object' } : error;
  const { code, cause, errors } = error as Error & { code?: unknown; errors?: unknown[] };
  const inner = cause ?? errors?.[0];
  return {
    type: error.name,
    code,
    message: error.message,
    stack: error.stack,
    ...(inner && depth < 3 ? { cause: errorLine(inner, depth + 1) } : {}),
  };
}

/** Query strings of addresses carry signatures of the object store, and connection strings carry passwords, in texts that are not ours (error messages). */
const scrub = (line: string): string =>
  line.includes('://') ? withoutPassword(line).replace(/(:\/\/[^\s"?\\]+)\?[^\s"\\]*/g, '$1?•••') : line;

const context = (rest: unknown[]) => ({ nest: rest.at(-1) });

/** Nest's own lines, through the same log: what it says at start is of interest only when looking for a fault. */
export function nestLogger(log: Log): LoggerService {
  return {
    log: (message: unknown, ...rest: unknown[]) => log.debug(context(rest), String(message)),
    debug: (message: unknown, ...rest: unknown[]) => log.debug(context(rest), String(message)),
    verbose: (message: unknown, ...rest: unknown[]) => log.debug(context(rest), String(message)),
    warn: (message: unknown, ...rest: unknown[]) => log.warn(context(rest), String(message)),
    error: (message: unknown, ...rest: unknown[]) =>
      log.error({ ...context(rest), stack: rest.length > 1 ? rest[0] : undefined }, String(message)),
    fatal: (message: unknown, ...rest: unknown[]) => log.fatal(context(rest), String(message)),
  };
}
