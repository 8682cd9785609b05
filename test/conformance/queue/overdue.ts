import { randomUUID } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { OnTask, outcomeOf, type QueuedTask, QueueServer, type TaskLine } from '@lienthong/queue';
import { Gate, KIND, newTask, newTasks, readyOf, sendAll, until } from './bench';
import type { Stage } from './stage';

/** As many handlers stand still as `normal` has slots; others of their class go on when their time is over. */
const STUCK = 8;
const TASK_MS = 300;

/** Handlers that do not return in the time that the platform gives them: each of their tasks comes again as its next attempt, and their slots are free. */
export async function overdue(stage: Stage): Promise<void> {
  const queue = await stage.open();
  const stuck = newTasks(STUCK);
  const neighbour = newTask();
  const isStuck = ({ task }: QueuedTask) => stuck.some((one) => one.task.packetId === task.packetId);
  const door = new Gate();
  const begun: string[] = [];
  let returned = 0;
  @Controller()
  class StuckConsumer {
    @OnTask(KIND)
    async handle(@Payload() queued: QueuedTask) {
      begun.push(`${queued.task.packetId} ${queued.attempt}`);
      if (!isStuck(queued) || queued.attempt > 1) return;
      await door.pass;
      returned += 1;
      throw new Error('late');
    }
  }
  const lines: TaskLine[] = [];
  const server = new QueueServer(queue, {
    kinds: [KIND],
    taskMs: TASK_MS,
    defer: (queued) => sendAll(queue, [{ ...queued, id: randomUUID(), attempt: queued.attempt + 1 }]),
    bury: async () => undefined,
    log: (line) => lines.push(line),
  });
  const testing = await Test.createTestingModule({ controllers: [StuckConsumer] }).compile();
  const app = testing.createNestMicroservice({ strategy: server, logger: false });
  await app.listen();
  await until('it is attached', () => server.attached());
  await sendAll(queue, stuck);
  await until('all of them stand still', () => begun.length === STUCK);
  await sendAll(queue, [neighbour]);

  await until('all have come again, and the neighbour', () => lines.length === 2 * STUCK + 1);
  const late = lines.filter(({ outcome }) => outcome === 'retry');
  expect(late).toHaveLength(STUCK);
  for (const { durationMs, error } of late) {
    expect(error).toMatchObject({ name: 'TaskOverdue' });
    expect(durationMs).toBeGreaterThanOrEqual(TASK_MS - 1);
  }
  expect(begun.toSorted()).toEqual(
    [
      ...stuck.flatMap(({ task }) => [1, 2].map((attempt) => `${task.packetId} ${attempt}`)),
      `${neighbour.task.packetId} 1`,
    ].toSorted(),
  );
  door.open();
  await until('the late ones have returned', () => returned === STUCK);
  expect(lines).toHaveLength(2 * STUCK + 1);
  expect(outcomeOf(late[0].error, 12)).toMatchObject({ kind: 'dead' });
  await until('nothing is left', async () => (await readyOf(queue, KIND)) === 0);
  await app.close();
}
