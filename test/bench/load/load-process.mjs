import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const LOAD = new URL('./load.mjs', import.meta.url);

/** A running load generator, seen from the steering process. */
export class LoadProcess {
  #child;
  #waiting;

  /**
   * @param program of the process; answers each command once, as load.mjs does
   * @param options detached: in a session of its own
   */
  constructor(program = LOAD, { detached = false } = {}) {
    // Not the profiling options that may stand in our environment for the platform.
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.#child = fork(fileURLToPath(program), { env, execArgv: [], serialization: 'advanced', detached });
    this.#child.on('message', ({ result, error }) => {
      const { resolve, reject } = this.#waiting;
      if (error) reject(new Error(error));
      else resolve(result);
    });
    this.#child.on('exit', (code) => this.#waiting?.reject(new Error(`the load generator ended (${code})`)));
  }

  get pid() {
    return this.#child.pid;
  }

  ask(command, given = {}) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.send({ command, ...given });
    });
  }

  async close() {
    await this.ask('close').catch(() => undefined);
    this.#waiting = undefined;
    if (this.#child.exitCode === null) this.#child.kill();
  }
}
