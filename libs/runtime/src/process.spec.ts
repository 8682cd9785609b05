import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const PATIENCE_MS = 30_000;
/** As it was built: a process of its own has no Jest. Its closing ends when it is told so; every signal that has come is said. */
const PROGRAM = `
  const { ownProcess } = require(${JSON.stringify(join(__dirname, '../dist/process.js'))});
  const quiet = { info() {}, warn() {}, error() {}, fatal() {}, debug() {} };
  ownProcess(quiet, () => new Promise((resolve) => process.stdin.once('data', resolve)));
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.stdout.write(signal + ' '));
  setTimeout(() => process.exit(9), ${PATIENCE_MS});
  process.stdout.write('owned ');
`;
const BETWEEN_MS = 50;

describe('A process that is told to stop', () => {
  let child: ChildProcessByStdio<Writable, Readable, null>;
  let exited: Promise<unknown[]>;
  let said: string;
  beforeEach(async () => {
    said = '';
    child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => undefined);
    exited = once(child, 'exit');
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await heard('owned');
  });
  afterEach(() => child.kill('SIGKILL'));

  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  /** Waits until it has said so, or is over. */
  async function heard(...words: string[]): Promise<void> {
    while (!isOver() && !words.every((word) => said.includes(word)))
      await Promise.race([once(child.stdout, 'data'), exited]);
  }

  it(
    'twice at once, as a group of processes is, closes once and ends well',
    async () => {
      child.kill('SIGTERM');
      child.kill('SIGINT');
      await heard('SIGTERM', 'SIGINT');
      child.stdin.write('closed\n');
      expect(await exited).toEqual([0, null]);
    },
    PATIENCE_MS,
  );

  it(
    'again after a second, does not wait for what hangs in closing',
    async () => {
      const told = performance.now();
      child.kill('SIGTERM');
      const again = setInterval(() => child.kill('SIGINT'), BETWEEN_MS);
      await exited.finally(() => clearInterval(again));
      expect(await exited).toEqual([1, null]);
      expect(performance.now() - told).toBeGreaterThan(1000);
    },
    PATIENCE_MS,
  );
});
