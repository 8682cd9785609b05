import { execFileSync } from 'node:child_process';
import { connect } from 'amqplib';
import { type InstanceSettings, type Platform, stackControl } from '../../support/platform';
import { setting } from '../../support/setting';
import type { SmallDisk } from '../../support/small-disk';
import { type Fault, nothing } from './fault';

/** Of the embedded default: one process and its PostgreSQL. */
export function embeddedFaults(platform: Platform): Fault[] {
  const { standalone } = platform;
  const kill = async (signal: NodeJS.Signals) => {
    const pid = standalone?.postgresPid();
    if (pid) process.kill(pid, signal);
  };
  return [
    { name: 'kill -9 of the platform', strike: () => platform.kill9(), mend: () => platform.start() },
    // The platform starts its database again by itself.
    { name: 'kill -9 of PostgreSQL', strike: () => kill('SIGKILL'), mend: nothing },
    {
      name: 'kill -9 of both',
      strike: async () => {
        await kill('SIGKILL');
        await platform.kill9();
      },
      mend: () => platform.start(),
    },
    { name: 'PostgreSQL stands still', strike: () => kill('SIGSTOP'), mend: () => kill('SIGCONT') },
    {
      name: 'SIGTERM and start',
      strike: async () => void (await standalone?.terminate()),
      mend: () => platform.start(),
    },
  ];
}

/** Of the real stack: two instances of each app, and the servers. @param settings of the instances, at every start */
export function stackFaults(settings: InstanceSettings): Fault[] {
  const startApps = () => stackControl('start-apps', '', settings);
  const server = (name: string): Fault => ({
    name: `kill -9 of ${name}`,
    strike: () => stackControl('kill-server', name),
    mend: () => stackControl('start-server', name),
  });
  const app = (name: string): Fault => ({
    name: `kill -9 of an instance of ${name}`,
    strike: () => stackControl('kill-app', name),
    mend: () => stackControl('start-app', name, settings),
  });
  const frozen = (name: string): Fault => ({
    name: `${name} stands still`,
    strike: () => stackControl('freeze-server', name),
    mend: () => stackControl('thaw-server', name),
    atMostMs: 8000,
  });
  const servers = ['s3', 'rabbitmq', 'postgres'];
  return [
    ...['auth', 'connector', 'scheduler', 'notifier'].map(app),
    ...servers.map(server),
    // Of PostgreSQL only the postmaster would: its network stands still instead (network.ts).
    ...['s3', 'rabbitmq'].map(frozen),
    { name: 'kill -9 of every app', strike: () => stackControl('kill-apps'), mend: startApps },
    {
      name: 'kill -9 of all at once',
      strike: async () => {
        await Promise.all([...servers.map((name) => stackControl('kill-server', name)), stackControl('kill-apps')]);
      },
      mend: async () => {
        for (const name of servers.toReversed()) await stackControl('start-server', name);
        await startApps();
      },
    },
    { name: 'the broker’s queues deleted', strike: deleteQueues, mend: nothing },
    {
      name: 'the broker’s data wiped',
      strike: () => stackControl('wipe-broker'),
      mend: () => stackControl('start-server', 'rabbitmq'),
    },
  ];
}

/** Of where content lies. */
export const diskFault = (disk: SmallDisk): Fault => ({
  name: 'the disk of the content is full',
  strike: async () => disk.fill(),
  mend: async () => disk.free(),
  atMostMs: 8000,
});

/** Every task that the broker holds is gone; the platform declares the queues again. */
async function deleteQueues(): Promise<void> {
  const { origin, username, password } = new URL(setting('RABBITMQ_MANAGEMENT_URL')!);
  const authorization = `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
  const queues = (await (await fetch(`${origin}/api/queues`, { headers: { authorization } })).json()) as {
    name: string;
  }[];
  const connection = await connect(setting('RABBITMQ_URL')!);
  try {
    const channel = await connection.createChannel();
    for (const { name } of queues) await channel.deleteQueue(name);
  } finally {
    await connection.close();
  }
}

/** Packets that have a file under a folder of content. */
export function packetsUnder(folder: string): string[] {
  const found = execFileSync('find', [folder, '-type', 'f', '-path', '*packets/*'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return [...new Set([...found.matchAll(/packets\/([0-9a-f-]{36})\//g)].map(([, packetId]) => packetId))];
}
