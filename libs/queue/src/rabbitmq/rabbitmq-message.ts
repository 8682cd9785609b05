import { PRIORITIES, type TaskKind } from '@lienthong/contracts';
import type { Message, MessageProperties, Options } from 'amqplib';
import { readTask } from '../lanes';
import type { DeadLetter, QueuedTask } from '../queue';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** A task has about 100 bytes. */
const LONGEST_BODY = 1024;

export const bodyOf = ({ task: { v, kind, packetId } }: QueuedTask): Buffer =>
  Buffer.from(JSON.stringify({ v, kind, packetId }));

export const propertiesOf = ({ id, attempt }: QueuedTask): Options.Publish => ({
  messageId: id,
  timestamp: Math.floor(Date.now() / 1000),
  headers: { attempt },
  contentType: 'application/json',
  persistent: true,
  mandatory: true,
});

/** @returns the message as a task of `kind` (any kind when omitted); its `task` is null when the message is none. */
export function readMessage({ content, properties }: Message, kind?: TaskKind): DeadLetter {
  const { messageId, headers } = properties;
  const attempt: unknown = headers?.attempt;
  const named = typeof messageId === 'string' && UUID.test(messageId);
  return {
    id: named ? messageId : '',
    task: named && content.length <= LONGEST_BODY ? readTask(parse(content), kind) : null,
    priority: PRIORITIES.find((priority) => firstQueue(properties)?.endsWith(`.${priority}`)) ?? 'normal',
    attempt: typeof attempt === 'number' && Number.isInteger(attempt) && attempt > 0 ? attempt : 1,
  };
}

/** Whether a dead letter is one because its consumer said so; else the broker itself gave it up (`delivery_limit`, or a policy of the operator's). */
export const wasAnswered = ({ properties: { headers } }: Message): boolean =>
  headers?.['x-first-death-reason'] === 'rejected';

/** Where a dead letter died first. */
function firstQueue({ headers }: MessageProperties): string | undefined {
  const queue: unknown = headers?.['x-first-death-queue'];
  return typeof queue === 'string' ? queue : undefined;
}

function parse(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    return undefined;
  }
}
