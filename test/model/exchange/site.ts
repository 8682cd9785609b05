import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'amqplib';
import {
  type InstanceSettings,
  onRealStack,
  type Platform,
  stackControl,
  startPlatform,
  startStandalone,
} from '../../support/platform';
import { setting } from '../../support/setting';

/** Where the model plays: the embedded default in one process, or the real stack with two instances of each app, RabbitMQ and S3. */
export interface Site {
  platform: Platform;
  /** Its folder of content, by key. */
  content: string;
  /** Every task that waits in the queue is gone. */
  loseTasks(): Promise<void>;
  /** kill -9 of what works on the packets, and a start. */
  kill(): Promise<void>;
  end(): Promise<void>;
}

/** Everything that the platform does by itself it does within a second or two. */
const QUICK = {
  SWEEP_QUIET_SECONDS: '1',
  DEADLINE_WATCH_SECONDS: '1',
  REJECTION_RETRY_SECONDS: '1',
  REJECTION_ATTEMPTS: '3',
  AUDIT_SEAL_SECONDS: '1',
};
export const REJECTION_ATTEMPTS = 3;

export const openSite = (): Promise<Site> => (onRealStack ? realStack() : embedded());

async function embedded(): Promise<Site> {
  const platform = await startStandalone(QUICK);
  return {
    platform,
    content: join(platform.standalone!.folder, 'content'),
    loseTasks: async () => void (await platform.sql(`DELETE FROM lienthong_queue.job WHERE state < 'active'`)),
    kill: async () => {
      await platform.kill9();
      await platform.start();
    },
    end: () => platform.stop(),
  };
}

/** Whose settings make it quick; the others go on as all tests find them. */
const QUICK_APPS = ['connector', 'scheduler'];

async function realStack(): Promise<Site> {
  const settings: InstanceSettings = {};
  for (const app of QUICK_APPS) for (const instance of [1, 2]) settings[`${app}-${instance}`] = QUICK;
  const restart = async (given: InstanceSettings = {}) => {
    await Promise.all(QUICK_APPS.map((app) => stackControl('kill-both', app)));
    await Promise.all(QUICK_APPS.map((app) => stackControl('start-both', app, given)));
  };
  await restart(settings);
  const platform = await startPlatform();
  const { s3Folder } = await stackControl<Record<string, string>>('describe');
  const tasks = await openTasks();
  return {
    platform,
    content: join(s3Folder, setting('S3_BUCKET')!),
    loseTasks: () => tasks.lose(),
    // The other instance of each goes on meanwhile.
    kill: async () => {
      await Promise.all(QUICK_APPS.map((app) => stackControl('kill-app', `${app}-1`)));
      await Promise.all(QUICK_APPS.map((app) => stackControl('start-app', `${app}-1`, settings)));
    },
    end: async () => {
      await tasks.close();
      await restart();
      await platform.stop();
    },
  };
}

/** What waits in the queues of RabbitMQ. */
async function openTasks() {
  const { origin, username, password } = new URL(setting('RABBITMQ_MANAGEMENT_URL')!);
  const known = [username, password].map(decodeURIComponent).join(':');
  const headers = { authorization: `Basic ${Buffer.from(known).toString('base64')}` };
  const answer = await fetch(`${origin}/api/queues`, { headers });
  const queues = (await answer.json()) as { name: string }[];
  const connection = await connect(setting('RABBITMQ_URL')!);
  const channel = await connection.createChannel();
  return {
    lose: async () => {
      for (const { name } of queues) await channel.purgeQueue(name);
    },
    close: () => connection.close(),
  };
}

/** Whether a file lies in a folder of the site's content, at whatever depth: a store may leave folders of what it has deleted. */
export function hasFiles({ content }: Site, key: string): boolean {
  const folder = join(content, key);
  return (
    existsSync(folder) && readdirSync(folder, { recursive: true, withFileTypes: true }).some((one) => one.isFile())
  );
}
