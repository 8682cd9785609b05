import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually';

const root = join(__dirname, '../..');

/** Lines of what it wrote that an error shows: why it ended is in the last ones. */
const LAST = 15;

/** One app as a process of its own, with nothing in its environment but what is given; ended by its process id alone. */
export class AppProcess {
  private output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly internalPort: string,
  ) {
    const take = (text: Buffer) => (this.output += text.toString());
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
  }

  static start(app: string, env: Record<string, string> & { INTERNAL_PORT: string }): AppProcess {
    const main = join(root, 'apps', app, 'dist/main.js');
    if (!existsSync(main)) throw new Error(`${main} is missing: run "npm run build" first.`);
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, [main], {
      cwd: root,
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new AppProcess(child, env.INTERNAL_PORT);
  }

  /** Process id. */
  get pid(): number {
    if (this.child.pid === undefined) throw new Error('It was not started.');
    return this.child.pid;
  }

  /** Everything it has written. */
  log(): string {
    return this.output;
  }

  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.internalPort}${path}`, { signal: AbortSignal.timeout(5000) });
  }

  /** Waits until it is alive, then until it is ready. */
  async ready(): Promise<void> {
    await eventually(async () => this.ended() || (await this.get('/readyz')).ok, { within: 60_000, every: 100 });
    if (this.ended())
      throw new Error(
        `It ended with ${this.child.exitCode}:\n${this.output.trim().split('\n').slice(-LAST).join('\n')}`,
      );
  }

  /** @returns its exit code, once it has ended by itself */
  async exit(within: number): Promise<number | null> {
    await eventually(() => this.ended(), { within });
    return this.child.exitCode;
  }

  ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async stop(): Promise<void> {
    if (!this.ended()) this.child.kill('SIGTERM');
    await eventually(() => this.ended(), { within: 45_000 }).catch(() => this.child.kill('SIGKILL'));
  }
}
