// nginx in front of the app instances, with the configuration that the container image uses too.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, installPackages, isRoot, serverUser } from './debian.mjs';
import { appPort, instances, ports, publicUrl, repoDir, stackPath, StackError } from './settings.mjs';
import {
  favour,
  logFile,
  requireFreePort,
  runningPid,
  startProcess,
  stopProcess,
  waitUntilReady,
} from './supervise.mjs';

const name = 'gateway';
const template = join(repoDir, 'deploy', 'gateway', 'default.conf.template');

// None is ever left out: one that is gone refuses at once, and the next is asked. In a rolling restart the one that is just back would be left out while the other goes.
const serversOf = (app) => instances.map((n) => `server 127.0.0.1:${appPort(app, n)} max_fails=0;`).join('\n    ');

function siteConfig() {
  const values = {
    AUTH_SERVERS: serversOf('auth'),
    CONNECTOR_SERVERS: serversOf('connector'),
    NOTIFIER_SERVERS: serversOf('notifier'),
    GATEWAY_LISTEN: `127.0.0.1:${ports.gateway}`,
    GATEWAY_ACCESS_LOG: `"${logFile('gateway-access')}"`,
  };
  return readFileSync(template, 'utf8').replace(/\$\{(\w+)\}/g, (_, key) => values[key]);
}

function mainConfig(dir) {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
worker_processes 2;
pid "${join(dir, 'nginx.pid')}";
error_log stderr warn;
${isRoot ? `user ${serverUser('www-data').name};` : ''}
events {
    worker_connections 4096;
}
http {
    ${temp.map((kind) => `${kind}_temp_path "${join(dir, kind)}";`).join('\n    ')}
    include "${join(dir, 'site.conf')}";
}
`;
}

/** Starts nginx unless it runs, and waits until it answers. */
export async function startGateway() {
  if (!findProgram('nginx')) await installPackages(['nginx'], ['nginx']);
  const program = findProgram('nginx');
  if (!program) throw new StackError('No nginx was found after its installation.');
  if (runningPid(name) === undefined) {
    await requireFreePort(ports.gateway, 'the gateway');
    const dir = stackPath('gateway');
    mkdirSync(dir, { recursive: true });
    // Entered by nginx's unprivileged workers for their temporary files; a mode given to mkdir is cut by the umask.
    chmodSync(dir, 0o711);
    writeFileSync(join(dir, 'site.conf'), siteConfig());
    writeFileSync(join(dir, 'nginx.conf'), mainConfig(dir));
    const pid = await startProcess(name, program, ['-p', dir, '-e', 'stderr', '-c', join(dir, 'nginx.conf')]);
    favour(pid);
  }
  await waitUntilReady(name, () => fetch(`${publicUrl}/`, { signal: AbortSignal.timeout(5000) }), 15_000);
}

// SIGTERM closes open streams; a graceful SIGQUIT would wait for them.
export const stopGateway = () => stopProcess(name);
