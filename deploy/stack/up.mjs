// Starts what is missing of the stack and prints its environment; progress goes to stderr.
import { withLock } from './lock.mjs';
import { prepareServer, servers, startServer } from './processes.mjs';
import { say, serverEnv, showEnv, StackError, stackDir, writeEnvFile } from './settings.mjs';

process.umask(0o077);
try {
  await withLock(async () => {
    say(`stack folder: ${stackDir}`);
    // All installs first: what is missing should be said before anything runs.
    for (const server of servers) await prepareServer(server);
    for (const server of servers) {
      const began = Date.now();
      const version = await startServer(server);
      say(`${server}: ${version}, ready after ${((Date.now() - began) / 1000).toFixed(1)} s`);
    }
    const env = serverEnv();
    showEnv('env', writeEnvFile('env', env));
  });
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  say(`stack: ${error.message}`);
  process.exitCode = 1;
}
