import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Priority, task, type TaskKind } from '@lienthong/contracts';
import type { Queue, QueuedTask } from '@lienthong/queue';

/** @returns when the condition holds; rejects with `sentence` after `ms`. */
export async function until(sentence: string, condition: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Not within ${ms} ms: ${sentence}.`);
    await sleep(20);
  }
}

export const KIND: TaskKind = 'notify-destination';

export const newTask = (priority: Priority = 'normal', kind = KIND): QueuedTask => ({
  id: randomUUID(),
  task: task(kind, randomUUID()),
  priority,
  attempt: 1,
});

export const newTasks = (count: number, priority?: Priority): QueuedTask[] =>
  Array.from({ length: count }, () => newTask(priority));

export const idsOf = (tasks: { id: string }[]): string[] => tasks.map(({ id }) => id).toSorted();

/** Sends until every task is confirmed, as the relay does. */
export async function sendAll(queue: Queue, tasks: QueuedTask[], ms = 30_000): Promise<void> {
  let left = tasks;
  await until(
    'every task is taken',
    async () => {
      const taken = new Set(await queue.send(left).catch(() => []));
      left = left.filter(({ id }) => !taken.has(id));
      return left.length === 0;
    },
    ms,
  );
}

export async function readyOf(queue: Queue, part: string): Promise<number> {
  const depths = await queue.depths();
  return depths.filter((depth) => depth.queue.includes(part)).reduce((sum, { ready }) => sum + ready, 0);
}

/** A door that handlers wait at. */
export class Gate {
  open: () => void = nothing;
  readonly pass = new Promise<void>((resolve) => (this.open = resolve));
}

const nothing = () => undefined;
