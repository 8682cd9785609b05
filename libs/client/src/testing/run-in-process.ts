import { Writable } from 'node:stream';
import { runCli } from '../terminal/run';

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Runs the program with its output collected. */
export async function runInProcess(
  words: string[],
  env: Record<string, string> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Ran> {
  const collected = { out: '', err: '' };
  const into = (name: 'out' | 'err') =>
    new Writable({
      write(chunk, _encoding, done) {
        collected[name] += String(chunk);
        done();
      },
    });
  const code = await runCli(words, { env, stdout: into('out'), stderr: into('err'), signal });
  return { code, ...collected };
}
