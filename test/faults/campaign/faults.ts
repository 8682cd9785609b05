import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { type Platform, stackControl } from '../../support/platform';
import { setting } from '../../support/setting';

/** Something that is done to the platform, and undone. */
export interface Fault {
  name: string;
  strike(): Promise<void>;
  /** Everything is there again when it returns; the platform may still be recovering. */
  mend(): Promise<void>;
}

const nothing = async (): Promise<void> => undefined;

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

/** Of the real stack: two instances of each app, and the servers. */
export function stackFaults(): Fault[] {
  const server = (name: string): Fault => ({
    name: `kill -9 of ${name}`,
    strike: () => stackControl('kill-server', name),
    mend: () => stackControl('start-server', name),
  });
  const app = (name: string): Fault => ({
    name: `kill -9 of an instance of ${name}`,
    strike: () => stackControl('kill-app', name),
    mend: () => stackControl('start-app', name),
  });
  const servers = ['s3', 'rabbitmq', 'postgres'];
  return [
    ...['auth', 'connector', 'scheduler', 'notifier'].map(app),
    ...servers.map(server),
    { name: 'kill -9 of every app', strike: () => stackControl('kill-apps'), mend: () => stackControl('start-apps') },
    {
      name: 'kill -9 of all at once',
      strike: async () => {
        await Promise.all([...servers.map((name) => stackControl('kill-server', name)), stackControl('kill-apps')]);
      },
      mend: async () => {
        for (const name of servers.toReversed()) await stackControl('start-server', name);
        await stackControl('start-apps');
      },
    },
    { name: 'the broker’s queues deleted', strike: deleteQueues, mend: nothing },
  ];
}

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

/** Waits a part of a second: long enough for steps to begin, short enough to strike in the middle of one. */
export const moment = (random: () => number, atMostMs: number): Promise<void> => sleep(random() * atMostMs);
