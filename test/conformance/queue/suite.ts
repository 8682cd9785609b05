import { randomUUID } from 'node:crypto';
import { LienThongError, PRIORITIES, type Priority, TASK_KINDS } from '@lienthong/contracts';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { OnTask, type QueuedTask, QueueServer, type TaskLine } from '@lienthong/queue';
import { Gate, idsOf, KIND, newTask, newTasks, readyOf, sendAll, until } from './bench';
import { faults } from './faults';
import { overdue } from './overdue';
import { type Rig, Stage } from './stage';
import { starvation } from './starvation';

/** The behaviour that every driver promises (design: drivers). */
export function queueConformance(rig: () => Rig): void {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage(rig());
  });
  afterEach(() => stage.clear());

  it('keeps what it has taken when the sender is gone, and delivers it as it was sent', async () => {
    const tasks = PRIORITIES.map((priority, index) => ({ ...newTask(priority), attempt: index + 1 }));
    const sender = await stage.open();
    const taken = await sender.send(tasks);
    await sender.close();

    const seen: QueuedTask[] = [];
    await stage.consume(await stage.open(), async (queued) => (seen.push(queued), 'done'));

    expect(taken.toSorted()).toEqual(idsOf(tasks));
    await until('all are delivered', () => seen.length === tasks.length);
    expect(seen.toSorted((a, b) => a.attempt - b.attempt)).toEqual(tasks);
  });

  it('delivers an acknowledged task once while nothing fails', async () => {
    const queue = await stage.open();
    const seen: string[] = [];
    await stage.consume(queue, async ({ id }) => (seen.push(id), 'done'));
    const tasks = newTasks(200, 'urgent');
    await sendAll(queue, tasks);
    await until('all are delivered', () => seen.length >= tasks.length);
    expect(seen.toSorted()).toEqual(idsOf(tasks));
  });

  it('gives a higher class more slots and every class its own', async () => {
    const queue = await stage.open();
    await sendAll(
      queue,
      PRIORITIES.flatMap((priority) => newTasks(30, priority)),
    );
    const door = new Gate();
    const running = new Map<Priority, number>();
    await stage.consume(queue, async ({ priority }) => {
      running.set(priority, (running.get(priority) ?? 0) + 1);
      await door.pass;
      return 'done';
    });
    await until('44 tasks run', () => [...running.values()].reduce((sum, count) => sum + count, 0) >= 44);
    expect(Object.fromEntries(running)).toEqual({ express: 16, veryUrgent: 12, urgent: 8, normal: 8 });
    door.open();
  });

  it('moves a dead task to the dead letters, where looking does not remove it', async () => {
    const queue = await stage.open();
    const tasks = [newTask('urgent'), newTask('express'), newTask('normal')];
    await stage.consume(queue, async () => 'dead');
    for (const [index, queued] of tasks.entries()) {
      await sendAll(queue, [queued]);
      await until('it is dead', async () => (await readyOf(queue, '.dead')) === index + 1);
    }
    for (const limit of [10, 2, 10]) {
      const letters = await queue.dead(limit);
      expect(letters).toHaveLength(Math.min(limit, tasks.length));
      expect(tasks).toEqual(expect.arrayContaining(letters));
    }
    expect((await queue.dead(10)).toSorted(byId)).toEqual(tasks.toSorted(byId));
    expect(await readyOf(queue, KIND)).toBe(0);
  });

  it('gives a task back after a pause when it could not be handled, and lets its neighbours pass (A54)', async () => {
    const queue = await stage.open();
    const poison = newTask();
    const neighbours = newTasks(20);
    const tries: number[] = [];
    const passed: string[] = [];
    await stage.consume(queue, async ({ id }) => {
      if (id !== poison.id) return (passed.push(id), 'done');
      tries.push(Date.now());
      if (tries.length < 3) throw new Error('nothing could be recorded');
      return 'done';
    });
    await sendAll(queue, [poison, ...neighbours]);
    await until('the neighbours pass', () => passed.length === neighbours.length);
    await until('the third try', () => tries.length === 3);
    expect(tries[1] - tries[0]).toBeGreaterThanOrEqual(950);
    expect(passed.toSorted()).toEqual(idsOf(neighbours));
  });

  it('hands out what the broker gave up, taken 50 times and never answered, and removes it once it is on record (A54)', async () => {
    const queue = await stage.open();
    const poison = { ...newTask('urgent'), attempt: 3 };
    await sendAll(queue, [poison]);
    await stage.rig.wearOut(`${stage.prefix}.${KIND}.urgent`);
    expect(await readyOf(queue, '.dead')).toBe(0);
    await stage.consume(queue, () => Promise.reject(new Error('nothing could be recorded')));
    await until('the broker gives it up', async () => (await readyOf(queue, '.dead')) === 1);

    const gone = new Error('the database is gone');
    await expect(queue.clearDead(10, () => Promise.reject(gone))).rejects.toBe(gone);
    await until('it is there still', async () => (await readyOf(queue, '.dead')) === 1);
    const recorded: QueuedTask[] = [];
    expect(await queue.clearDead(10, async (givenUp) => void recorded.push(...givenUp))).toBe(1);
    expect(recorded).toEqual([poison]);
    await until('it is removed', async () => (await readyOf(queue, '.dead')) === 0);
    expect(await queue.clearDead(10, async () => Promise.reject(gone))).toBe(0);
  });

  it('clears away what its handler answered as dead, and leaves what is no task to a person', async () => {
    const queue = await stage.open();
    await stage.rig.putGarbage(`${stage.prefix}.${KIND}.normal`);
    await stage.consume(queue, async () => 'dead');
    await sendAll(queue, newTasks(3));
    await until('all are dead', async () => (await readyOf(queue, '.dead')) === 4);
    const cleared = await queue.clearDead(10, (givenUp) => Promise.reject(new Error(`${givenUp.length} given up`)));
    expect(cleared).toBe(3);
    await until('one is left', async () => (await readyOf(queue, '.dead')) === 1);
    expect(await queue.dead(5)).toEqual([expect.objectContaining({ task: null })]);
  });

  it('moves a message that is no task to the dead letters and never shows it to the handler (A54)', async () => {
    const queue = await stage.open();
    const seen: QueuedTask[] = [];
    await stage.rig.putGarbage(`${stage.prefix}.${KIND}.urgent`);
    await stage.consume(queue, async (queued) => (seen.push(queued), 'done'));
    const neighbour = newTask('urgent');
    await sendAll(queue, [neighbour]);

    await until('it is dead', async () => (await readyOf(queue, '.dead')) === 1);
    await until('its neighbour is handled', () => seen.length > 0);
    expect(seen).toEqual([neighbour]);
    expect(await queue.dead(5)).toEqual([expect.objectContaining({ task: null, priority: 'urgent' })]);
  });

  it('takes the same id twice without an error, in one call and in two', async () => {
    const queue = await stage.open();
    const queued = newTask();
    expect(new Set(await queue.send([queued, queued]))).toEqual(new Set([queued.id]));
    expect(await queue.send([queued])).toEqual([queued.id]);
    const seen = new Set<string>();
    await stage.consume(queue, async ({ id }) => (seen.add(id), 'done'));
    await until('it is delivered', () => seen.has(queued.id));
    await until('nothing is left', async () => (await readyOf(queue, KIND)) === 0);
  });

  it('reports the depth of every queue', async () => {
    const queue = await stage.open();
    await sendAll(queue, [...newTasks(3, 'normal'), ...newTasks(2, 'express')]);
    const depths = await queue.depths();
    expect(depths).toHaveLength(TASK_KINDS.length * PRIORITIES.length + 1);
    await until('both are counted', async () => (await readyOf(queue, KIND)) === 5);
    expect(await readyOf(queue, `${KIND}.normal`)).toBe(3);
    expect(await readyOf(queue, `${KIND}.express`)).toBe(2);
    for (const { oldestSeconds } of depths) expect(oldestSeconds ?? 0).toBeGreaterThanOrEqual(0);
  });

  it('carries QueueServer: a passing error is deferred to a later attempt, a permanent one is buried and dead', async () => {
    const queue = await stage.open();
    const seen: string[] = [];
    const [passing, permanent] = newTasks(2);
    const isPassing = (queued: QueuedTask) => queued.task.packetId === passing.task.packetId;
    @Controller()
    class PlanDeliveryConsumer {
      @OnTask(KIND)
      plan(@Payload() queued: QueuedTask) {
        seen.push(`${isPassing(queued) ? 'passing' : 'permanent'} ${queued.attempt}`);
        if (!isPassing(queued)) throw new LienThongError('not_found');
        if (queued.attempt === 1) throw new Error('storage timed out');
      }
    }
    const lines: TaskLine[] = [];
    const buried: string[] = [];
    const server = new QueueServer(queue, {
      kinds: [KIND],
      defer: (queued) => sendAll(queue, [{ ...queued, id: randomUUID(), attempt: queued.attempt + 1 }]),
      bury: async ({ id }) => void buried.push(id),
      log: (line) => lines.push(line),
    });
    const testing = await Test.createTestingModule({ controllers: [PlanDeliveryConsumer] }).compile();
    const app = testing.createNestMicroservice({ strategy: server, logger: false });
    await app.listen();
    await until('it is attached', () => server.attached());

    await sendAll(queue, [passing, permanent]);

    await until('three lines are written', () => lines.length === 3);
    expect(seen.toSorted()).toEqual(['passing 1', 'passing 2', 'permanent 1']);
    expect(lines.map(({ outcome }) => outcome).toSorted()).toEqual(['dead', 'done', 'retry']);
    expect(buried).toEqual([permanent.id]);
    await until('it is dead', async () => (await queue.dead(5)).some(({ id }) => id === permanent.id));
    await app.close();
  });

  it('carries QueueServer: a task whose handler outlasts its time is tried again beside it, and its late end harms nobody', () =>
    overdue(stage));

  describe('the starvation bound', () => starvation(rig));

  describe('when something fails', () => faults(rig));
}

const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id);
