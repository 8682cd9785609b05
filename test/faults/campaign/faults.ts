import { connect } from 'amqplib';
import { type InstanceSettings, type Platform, stackControl } from '../../support/platform';
import { setting } from '../../support/setting';
import type { SmallDisk } from '../../support/small-disk';
import { type Fault, nothing, oneOf, type Random } from './fault';

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
      name: 'the platform stands still',
      strike: async () => standalone?.signal('SIGSTOP'),
      mend: async () => standalone?.signal('SIGCONT'),
      atMostMs: 5000,
    },
    {
      name: 'SIGTERM and start',
      strike: async () => void (await standalone?.terminate()),
      mend: () => platform.start(),
    },
  ];
}

/** A relay holds what it has claimed for 30 s, and a sender to webhooks what it sends for 20: then another has it. */
const LEASE_MS = 31_000;

/**
 * Of the real stack: two instances of each app, and the servers.
 * @param settings of the instances, at every start
 * @param isLong there is time to outlast leases
 */
export function stackFaults(settings: InstanceSettings, random: Random, isLong: boolean): Fault[] {
  const startApps = () => stackControl('start-apps', '', settings);
  const server = (name: string): Fault => ({
    name: `kill -9 of ${name}`,
    strike: () => stackControl('kill-server', name),
    mend: () => stackControl('start-server', name),
  });
  /** One of the two instances, each time by chance. */
  const instance = (
    app: string,
    what: string,
    strike: (name: string) => Promise<void>,
    mend: (name: string) => Promise<void>,
  ): Fault => {
    let struck = '';
    return {
      name: `${what} an instance of ${app}`,
      strike: () => strike((struck = `${app}-${oneOf(random, [1, 2])}`)),
      mend: () => mend(struck),
    };
  };
  const killed = (app: string) =>
    instance(
      app,
      'kill -9 of',
      (name) => stackControl('kill-app', name),
      (name) => stackControl('start-app', name, settings),
    );
  /** SIGSTOP: when it goes on, it holds what others have taken over meanwhile (S22). */
  const zombie = (app: string): Fault => ({
    ...instance(
      app,
      'SIGSTOP of',
      (name) => stackControl('freeze-app', name),
      (name) => stackControl('thaw-app', name),
    ),
    atMostMs: 8000,
  });
  const outlasting = (app: string): Fault => ({
    ...zombie(app),
    name: `SIGSTOP, longer than its leases, of an instance of ${app}`,
    atLeastMs: LEASE_MS,
  });
  const frozen = (name: string): Fault => ({
    name: `${name} stands still`,
    strike: () => stackControl('freeze-server', name),
    mend: () => stackControl('thaw-server', name),
    atMostMs: 8000,
  });
  const servers = ['s3', 'rabbitmq', 'postgres'];
  const apps = ['auth', 'connector', 'scheduler', 'notifier'];
  return [
    ...apps.map(killed),
    ...apps.map(zombie),
    ...(isLong ? ['scheduler', 'notifier'].map(outlasting) : []),
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
