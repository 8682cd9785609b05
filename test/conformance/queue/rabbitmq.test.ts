import { RabbitmqQueue } from '@lienthong/queue';
import { Logger } from '@nestjs/common';
import { connect, type ChannelModel } from 'amqplib';
import { idsOf, KIND, newTask, newTasks, sendAll, until } from './bench';
import { onRealStack, stackControl } from '../../support/platform';
import { setting } from '../../support/setting';
import { itWhen } from '../../support/when';
import { outlasting } from './outlasting';
import { queueConformance } from './suite';
import { TcpProxy } from '../../support/tcp-proxy';

jest.setTimeout(120_000);

const url = setting('RABBITMQ_URL');
const managementUrl = setting('RABBITMQ_MANAGEMENT_URL');
if (!url) console.warn('RabbitmqQueue is not tested: RABBITMQ_URL is not set and no stack is running.');

(url ? describe : describe.skip)('RabbitmqQueue', () => {
  const address = new URL(url ?? 'amqp://127.0.0.1');
  const prefixes = new Set<string>();
  let proxy: TcpProxy;
  let operator: ChannelModel;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    proxy = new TcpProxy({ host: address.hostname, port: Number(address.port || 5672) });
    await proxy.open();
    operator = await connect(address.href);
  });
  afterAll(async () => {
    const channel = await operator.createChannel();
    for (const prefix of prefixes) for (const queue of queuesOf(prefix)) await channel.deleteQueue(queue);
    await operator.close();
    await proxy.cut();
  });

  const create = (prefix: string, proxied = false) => {
    prefixes.add(prefix);
    return new RabbitmqQueue({ url: proxied ? proxy.address(address.href) : address.href, prefix });
  };
  const onOperator = async (
    work: (channel: Awaited<ReturnType<ChannelModel['createChannel']>>) => Promise<unknown>,
  ) => {
    const channel = await operator.createChannel();
    await work(channel);
    await channel.close();
  };

  queueConformance(() => ({
    proxy,
    create,
    putGarbage: async (queue) => {
      const channel = await operator.createConfirmChannel();
      channel.sendToQueue(queue, Buffer.from('{"v":1,'), { mandatory: true });
      await channel.waitForConfirms();
      await channel.close();
    },
    wearOut: (queue) =>
      onOperator(async (channel) => {
        for (let deliveries = 0; deliveries < 50;) {
          const message = await channel.get(queue);
          if (!message) continue;
          channel.nack(message, false, true);
          deliveries++;
        }
      }),
    lostProcessMs: 15_000,
  }));

  it('declares a deleted queue again and goes on consuming it', async () => {
    const queue = create('deleted');
    await queue.open();
    const seen: string[] = [];
    const consumption = await queue.consume(KIND, async ({ id }) => (seen.push(id), 'done'));
    await until('it is attached', () => consumption.attached());

    await onOperator((channel) => channel.deleteQueue(`deleted.${KIND}.normal`));
    await until('the server has cancelled', () => !consumption.attached());
    await until('it is attached again', () => consumption.attached());

    const queued = newTask();
    await sendAll(queue, [queued]);
    await until('it is handled', () => seen.length > 0);
    expect(seen).toEqual([queued.id]);
    await consumption.stop(1000);
    await queue.close();
  });

  it('does not count an unroutable message as taken, although the broker confirms it, and declares its queue again', async () => {
    const queue = create('unroutable');
    await queue.open();
    await onOperator((channel) => channel.deleteQueue(`unroutable.${KIND}.normal`));
    const [lost, routed] = [newTask('normal'), newTask('express')];

    expect(await queue.send([lost, routed])).toEqual([routed.id]);

    await sendAll(queue, [lost]);
    expect((await queue.depths()).find((depth) => depth.queue === `unroutable.${KIND}.normal`)?.ready).toBe(1);
    await queue.close();
  });

  (managementUrl ? it : it.skip)('comes back by itself when the server closes its connections', async () => {
    const queue = create('closed');
    await queue.open();
    const seen = new Set<string>();
    const consumption = await queue.consume(KIND, async ({ id }) => (seen.add(id), 'done'));
    await until('it is attached', () => consumption.attached());
    // Looked for from before on: the first may be back before the last is closed.
    await Promise.all([
      until('the consumers notice', () => !consumption.attached(), 60_000),
      closeConnectionsOf(`closed.${KIND}`),
    ]);

    const tasks = newTasks(20);
    await sendAll(queue, tasks);
    await until('it is attached again', () => consumption.attached());
    await until('all are handled', () => seen.size === tasks.length);
    expect([...seen].toSorted()).toEqual(idsOf(tasks));
    await consumption.stop(1000);
    await queue.close();
  });

  itWhen(onRealStack, 'what the broker waits for is set by rabbitmqctl, on a stack of this repository')(
    'has a task come again whose handler outlasts the consumer timeout, and goes on beside it',
    async () => {
      // A channel takes it over when it is opened.
      await stackControl('hurry-broker');
      const queue = create('outlasting');
      try {
        await queue.open();
        await outlasting(queue, async () => undefined);
      } finally {
        await queue.close();
        await stackControl('leave-broker-time');
      }
    },
  );

  it('says that the credentials are refused', async () => {
    const wrong = new URL(address.href);
    wrong.password = 'wrong';
    const queue = new RabbitmqQueue({ url: wrong.href });
    await expect(queue.open()).rejects.toThrow('refuses these credentials');
    await queue.close();
  });

  it('says that a queue stands there with other arguments', async () => {
    prefixes.add('foreign');
    await onOperator((channel) => channel.assertQueue(`foreign.${KIND}.normal`, { durable: true }));
    const queue = create('foreign');
    await expect(queue.open()).rejects.toThrow('with other arguments');
    await expect(queue.check()).rejects.toThrow();
    await queue.close();
  });

  /** Closes the connections whose channels consume from these queues. */
  async function closeConnectionsOf(queues: string): Promise<void> {
    const { username, password, origin, pathname } = new URL(managementUrl ?? '');
    const base = origin === 'null' ? managementUrl : `${origin}${pathname.replace(/\/$/, '')}`;
    const user = username || address.username;
    const secret = password || address.password;
    const headers = {
      authorization: `Basic ${Buffer.from(`${decodeURIComponent(user)}:${decodeURIComponent(secret)}`).toString('base64')}`,
    };
    const vhost = encodeURIComponent(decodeURIComponent(address.pathname.slice(1)) || '/');
    const names = new Set<string>();
    await until('the management plugin knows the connection', async () => {
      const answer = await fetch(`${base}/api/consumers/${vhost}`, { headers });
      const consumers = (await answer.json()) as {
        queue: { name: string };
        // Empty until the channel's first statistics have come.
        channel_details: { connection_name?: string };
      }[];
      for (const { queue, channel_details: channel } of consumers)
        if (queue.name.startsWith(queues) && channel.connection_name) names.add(channel.connection_name);
      return names.size > 0;
    });
    for (const name of names)
      await fetch(`${base}/api/connections/${encodeURIComponent(name)}`, { method: 'DELETE', headers });
  }
});

function queuesOf(prefix: string): string[] {
  const kinds = ['analyse-packet', 'notify-destination', 'purge-content'];
  const priorities = ['normal', 'urgent', 'veryUrgent', 'express'];
  return [`${prefix}.dead`, ...kinds.flatMap((kind) => priorities.map((priority) => `${prefix}.${kind}.${priority}`))];
}
