import { randomUUID } from 'node:crypto';
import type { Task } from '@lienthong/contracts';
import { connect } from 'amqplib';
import { Client } from 'pg';
import { onRealStack, type Platform } from './platform';
import { setting } from './setting';

/**
 * Puts a task into the platform's dead letters as the broker leaves one that was delivered too often without an answer; that brokers do leave it so
 * is shown by the conformance suite of the queue.
 * @param attempt the attempt that was given up
 */
export async function giveUp(platform: Platform, task: Task, attempt: number): Promise<void> {
  if (onRealStack) await inRabbitmq(task, attempt);
  else await inPostgres(platform.databaseUrl(), task, attempt);
}

async function inRabbitmq(task: Task, attempt: number): Promise<void> {
  const model = await connect(setting('RABBITMQ_URL')!);
  const channel = await model.createConfirmChannel();
  channel.sendToQueue('lienthong.dead', Buffer.from(JSON.stringify(task)), {
    messageId: randomUUID(),
    persistent: true,
    headers: {
      attempt,
      'x-first-death-queue': `lienthong.${task.kind}.normal`,
      'x-first-death-reason': 'delivery_limit',
    },
  });
  await channel.waitForConfirms();
  await model.close();
}

async function inPostgres(connectionString: string, task: Task, attempt: number): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  await client.query(
    `INSERT INTO lienthong_queue.job (name, data, source_name, source_id, source_retry_count)
     VALUES ('lienthong.dead', $1, $2, gen_random_uuid(), 50)`,
    [JSON.stringify({ task, attempt }), `lienthong.${task.kind}.normal`],
  );
  await client.end();
}
