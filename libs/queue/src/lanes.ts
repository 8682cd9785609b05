import { isTask, PRIORITIES, type Priority, type Task, TASK_KINDS, type TaskKind } from '@lienthong/contracts';
import type { QueuedTask } from './queue';

/** One kind at one priority: a queue of its own, because no broker version offers the same priorities inside a queue (RabbitMQ 3.10: none). */
export interface Lane {
  kind: TaskKind;
  priority: Priority;
  queue: string;
}

/**
 * Tasks of one kind that one process runs at a time, by priority, 44 in all. Tasks wait for the database more than they compute: with 2 for `normal` (16 in all)
 * they waited twice as long for a slot (benchmark, embedded: completion to notice 195 ms at p50 against 112); 16 for it bring no more.
 */
export const SHARES: Record<Priority, number> = { express: 16, veryUrgent: 12, urgent: 8, normal: 8 };

const SLOTS = Object.values(SHARES).reduce((sum, share) => sum + share, 0);

/**
 * The starvation bound (S24). A class has slots of its own, so that none of its tasks ever waits for one of another class to end: with `ahead` tasks of its
 * own class before it, it is begun when ⌊ahead / s⌋ + 1 turns of its class's s slots are over. Where tasks take equally long and every class always has work,
 * the other classes end at most (44 − s) · (⌊ahead / s⌋ + 1) tasks before that: for `normal`, 36 for each eight before it and 36 more. What fetching costs a driver comes on top.
 * @param ahead tasks of the same kind and class that came before it and are not begun
 * @returns tasks of other classes, in one process
 */
export const mostServedBefore = (priority: Priority, ahead: number): number =>
  (SLOTS - SHARES[priority]) * (Math.floor(ahead / SHARES[priority]) + 1);

/**
 * A task that was taken this often without an answer (its process died, or could record nothing) goes to the dead letters. With the pauses of
 * `Trouble` it outlasts 20 minutes without a database, and it ends a task that kills its process. `outcomeOfGivenUp` decides what becomes of it.
 */
export const DELIVERY_LIMIT = 50;

/** A broker that has not confirmed by then is treated as if it had not answered (on a full disk RabbitMQ 3.10 goes silent). */
export const CONFIRM_MS = 10_000;

export const deadQueue = (prefix: string): string => `${prefix}.dead`;

export const lanesOf = (prefix: string, kind: TaskKind): Lane[] =>
  PRIORITIES.map((priority) => ({ kind, priority, queue: `${prefix}.${kind}.${priority}` }));

export const allLanes = (prefix: string): Lane[] => TASK_KINDS.flatMap((kind) => lanesOf(prefix, kind));

export const laneOf = (prefix: string, { task, priority }: Pick<QueuedTask, 'task' | 'priority'>): string =>
  `${prefix}.${task.kind}.${priority}`;

/** @returns the task, or null when this is none or belongs to another kind's queue (a handler must never see it). */
export function readTask(value: unknown, kind?: TaskKind): Task | null {
  return isTask(value) && (kind === undefined || value.kind === kind) ? value : null;
}
