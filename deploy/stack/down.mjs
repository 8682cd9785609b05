// Stops exactly the processes that this stack started, by their recorded ids. Data stays; so does the installed software.
import { withLock } from './lock.mjs';
import { apps, instances, say, StackError } from './settings.mjs';
import { moreServers, servers, stopApp, stopGateway, stopServer } from './processes.mjs';
import { recordedNames } from './supervise.mjs';

try {
  await withLock(async () => {
    if (recordedNames().length === 0) return say('the stack is not running');
    await stopGateway();
    await Promise.all(apps.flatMap((app) => instances.map((instance) => stopApp(app, instance))));
    const running = recordedNames();
    const stopping = [...servers, ...moreServers.filter((server) => running.includes(server))];
    for (const server of stopping.toReversed()) say(`${server}: ${await stopServer(server)}`);
  });
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  say(`stack: ${error.message}`);
  process.exitCode = 1;
}
