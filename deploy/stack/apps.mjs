// Two instances of every app as processes of their own, behind the gateway, on the running stack.
import { existsSync } from 'node:fs';
import { withLock } from './lock.mjs';
import { migrate, servers, startApp, startGateway, startServer, stopApp, stopGateway } from './processes.mjs';
import {
  adminKeyFile,
  apps,
  instances,
  publicUrl,
  say,
  serverEnv,
  showEnv,
  StackError,
  writeEnvFile,
} from './settings.mjs';
import { recordedNames } from './supervise.mjs';

async function up() {
  if (!['postgres', 'rabbitmq'].every((server) => recordedNames().includes(server)))
    throw new StackError('The servers are not running: run "npm run stack" first.');
  // Those that run are only checked; one that a fault test left dead is started again.
  for (const server of servers) await startServer(server);
  migrate();
  say('migrations: done');
  for (const app of apps) {
    const pids = await Promise.all(instances.map((instance) => startApp(app, instance)));
    say(`${app}: ${pids.length} instances ready (pids ${pids.join(', ')})`);
  }
  await startGateway();
  say(`gateway: ${publicUrl}`);
  const env = { ...serverEnv(), LIENTHONG_URL: publicUrl, ADMIN_KEY_FILE: adminKeyFile };
  showEnv('apps-env', writeEnvFile('apps-env', env));
  say(`administrator key: ${adminKeyFile}${existsSync(adminKeyFile) ? '' : ' (not written yet)'}`);
}

async function down() {
  await stopGateway();
  await Promise.all(apps.flatMap((app) => instances.map((instance) => stopApp(app, instance))));
}

process.umask(0o077);
try {
  const command = { up, down }[process.argv[2]];
  if (!command) throw new StackError('Use: node deploy/stack/apps.mjs up|down');
  await withLock(command);
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  say(`stack: ${error.message}`);
  process.exitCode = 1;
}
