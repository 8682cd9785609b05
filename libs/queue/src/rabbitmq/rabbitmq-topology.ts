import type { Channel, Replies } from 'amqplib';
import { allLanes, deadQueue, DELIVERY_LIMIT, type Lane } from '../lanes';

/**
 * Arguments, not a policy: a policy needs administrator rights and the management plugin before the first message can be safe, an argument only the
 * right to declare, so that a broker address is all there is to configure. The price: they belong to the queue for ever (another value is refused with
 * 406). Only what holds unchanged from RabbitMQ 3.10 to 4.3 is therefore declared; an operator's policy may still lower the delivery limit.
 *
 * At-least-once dead lettering demands `reject-publish`; nothing here bounds a queue's length, so nothing is ever rejected for that.
 */
const laneArguments = (prefix: string) => ({
  'x-queue-type': 'quorum',
  'x-delivery-limit': DELIVERY_LIMIT,
  'x-dead-letter-exchange': '',
  'x-dead-letter-routing-key': deadQueue(prefix),
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
});

/** RabbitMQ 4 drops a message after 20 returns unless told otherwise, and looking at a dead letter is such a return. */
const deadArguments = { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000 };

export const declareDead = (channel: Channel, prefix: string): Promise<Replies.AssertQueue> =>
  channel.assertQueue(deadQueue(prefix), { durable: true, arguments: deadArguments });

export const declareLane = (channel: Channel, prefix: string, lane: Lane): Promise<Replies.AssertQueue> =>
  channel.assertQueue(lane.queue, { durable: true, arguments: laneArguments(prefix) });

/** Declares every queue; harmless when they exist. @returns the ready messages of each. */
export async function declareAll(channel: Channel, prefix: string): Promise<Map<string, number>> {
  const counts = new Map([[deadQueue(prefix), (await declareDead(channel, prefix)).messageCount]]);
  for (const lane of allLanes(prefix)) counts.set(lane.queue, (await declareLane(channel, prefix, lane)).messageCount);
  return counts;
}
