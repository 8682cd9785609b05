// Loaded by NODE_OPTIONS=--import into the apps that deploy/stack starts, where `node --cpu-prof` cannot be given (NODE_OPTIONS refuses it).
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { basename, dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const folder = process.env.BENCH_CPU_PROFILES;
const program = process.argv[1] ?? '';

if (folder && isMainThread && /apps\/\w+\/dist\/main\.js$/.test(program)) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  process.on('exit', () => {
    // Within one thread the answer is there when `post` returns.
    session.post('Profiler.stop', (error, { profile } = {}) => {
      if (error) return;
      mkdirSync(folder, { recursive: true });
      const app = basename(dirname(dirname(program)));
      writeFileSync(`${folder}/${app}-${process.pid}.cpuprofile`, JSON.stringify(profile));
    });
  });
}
