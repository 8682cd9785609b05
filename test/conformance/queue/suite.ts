import { randomBytes, randomUUID } from 'node:crypto';
import { LienThongError, PRIORITIES, type Priority } from '@lienthong/contracts';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { OnTask, type Queue, type QueuedTask, QueueServer, type TaskLine } from '@lienthong/queue';
import { Gate, idsOf, KIND, newTask, newTasks, readyOf, sendAll, until } from './bench';
import type { TcpProxy } from './tcp-proxy';

/** What a driver's test file brings: its server, and the ways to hurt it. */
export interface Rig {
  /** Between the server and the queues made with `proxied`. */
  proxy: TcpProxy;
  create(prefix: string, proxied?: boolean): Queue;
  /** Puts a body that is no task into a queue, as a stranger would. */
  putGarbage(queue: string): Promise<void>;
  /** Within this time a task comes back whose process was lost, in milliseconds. */
  lostProcessMs: number;
}

/** The behaviour that every driver promises (design: drivers). */
export function queueConformance(rig: () => Rig): void {
  const opened: Queue[] = [];
  const stopping: (() => Promise<void>)[] = [];
  let prefix: string;
  const queueOf = (proxied = false): Queue => {
    const queue = rig().create(prefix, proxied);
    opened.push(queue);
    return queue;
  };
  const openQueue = async (proxied = false): Promise<Queue> => {
    const queue = queueOf(proxied);
    await queue.open();
    return queue;
  };
  const consume = async (queue: Queue, handle: Parameters<Queue['consume']>[1]) => {
    const consumption = await queue.consume(KIND, handle);
    stopping.push(() => consumption.stop(2000));
    return consumption;
  };

  beforeEach(() => {
    prefix = `t${randomBytes(5).toString('hex')}`;
  });
  afterEach(async () => {
    rig().proxy.resume();
    await rig().proxy.cut();
    await rig().proxy.open();
    await Promise.all(stopping.splice(0).map((stop) => stop()));
    await Promise.all(opened.splice(0).map((queue) => queue.close()));
  });

  it('keeps what it has taken when the sender is gone, and delivers it as it was sent', async () => {
    const tasks = PRIORITIES.map((priority, index) => ({ ...newTask(priority), attempt: index + 1 }));
    const sender = await openQueue();
    const taken = await sender.send(tasks);
    await sender.close();

    const seen: QueuedTask[] = [];
    await consume(await openQueue(), async (queued) => (seen.push(queued), 'done'));

    expect(taken.toSorted()).toEqual(idsOf(tasks));
    await until('all are delivered', () => seen.length === tasks.length);
    expect(seen.toSorted((a, b) => a.attempt - b.attempt)).toEqual(tasks);
  });

  it('delivers an acknowledged task once while nothing fails', async () => {
    const queue = await openQueue();
    const seen: string[] = [];
    await consume(queue, async ({ id }) => (seen.push(id), 'done'));
    const tasks = newTasks(200, 'urgent');
    await sendAll(queue, tasks);
    await until('all are delivered', () => seen.length >= tasks.length);
    expect(seen.toSorted()).toEqual(idsOf(tasks));
  });

  it('gives a higher class more slots and every class its own', async () => {
    const queue = await openQueue();
    await sendAll(
      queue,
      PRIORITIES.flatMap((priority) => newTasks(30, priority)),
    );
    const door = new Gate();
    const running = new Map<Priority, number>();
    await consume(queue, async ({ priority }) => {
      running.set(priority, (running.get(priority) ?? 0) + 1);
      await door.pass;
      return 'done';
    });
    await until('16 tasks run', () => [...running.values()].reduce((sum, count) => sum + count, 0) >= 16);
    expect(Object.fromEntries(running)).toEqual({ express: 8, veryUrgent: 4, urgent: 2, normal: 2 });
    door.open();
  });

  it('serves normal tasks while express ones never run out', async () => {
    const queue = await openQueue();
    await sendAll(queue, newTasks(400, 'express'));
    await sendAll(queue, newTasks(10, 'normal'));
    let express = 0;
    let normal = 0;
    await consume(queue, async ({ priority }) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (priority === 'normal') normal++;
      else express++;
      if (express % 20 === 0 && normal < 10) await queue.send(newTasks(20, 'express'));
      return 'done';
    });
    await until('the normal tasks are done', () => normal === 10);
    expect(await readyOf(queue, `${KIND}.express`)).toBeGreaterThan(0);
  });

  it('delivers a task again whose consumer was lost before it answered', async () => {
    const lost = await openQueue(true);
    const alive = await openQueue();
    const queued = newTask('express');
    const door = new Gate();
    let started = false;
    await consume(lost, async () => {
      started = true;
      await door.pass;
      return 'done';
    });
    await sendAll(alive, [queued]);
    await until('the first consumer has it', () => started);

    await rig().proxy.cut();
    const seen: QueuedTask[] = [];
    await consume(alive, async (again) => (seen.push(again), 'done'));

    await until('the second consumer has it', () => seen.length > 0, rig().lostProcessMs);
    expect(seen).toEqual([queued]);
    door.open();
  });

  it('moves a dead task to the dead letters, where looking does not remove it', async () => {
    const queue = await openQueue();
    const tasks = [newTask('urgent'), newTask('express'), newTask('normal')];
    await consume(queue, async () => 'dead');
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

  it('gives a task back after a pause when it could not be handled, and lets its neighbours pass', async () => {
    const queue = await openQueue();
    const poison = newTask();
    const neighbours = newTasks(20);
    const tries: number[] = [];
    const passed: string[] = [];
    await consume(queue, async ({ id }) => {
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

  it('moves a message that is no task to the dead letters and never shows it to the handler', async () => {
    const queue = await openQueue();
    const seen: QueuedTask[] = [];
    await rig().putGarbage(`${prefix}.${KIND}.urgent`);
    await consume(queue, async (queued) => (seen.push(queued), 'done'));
    const neighbour = newTask('urgent');
    await sendAll(queue, [neighbour]);

    await until('it is dead', async () => (await readyOf(queue, '.dead')) === 1);
    await until('its neighbour is handled', () => seen.length > 0);
    expect(seen).toEqual([neighbour]);
    expect(await queue.dead(5)).toEqual([expect.objectContaining({ task: null, priority: 'urgent' })]);
  });

  it('takes the same id twice without an error, in one call and in two', async () => {
    const queue = await openQueue();
    const queued = newTask();
    expect(new Set(await queue.send([queued, queued]))).toEqual(new Set([queued.id]));
    expect(await queue.send([queued])).toEqual([queued.id]);
    const seen = new Set<string>();
    await consume(queue, async ({ id }) => (seen.add(id), 'done'));
    await until('it is delivered', () => seen.has(queued.id));
    await until('nothing is left', async () => (await readyOf(queue, KIND)) === 0);
  });

  it('reports the depth of every queue', async () => {
    const queue = await openQueue();
    await sendAll(queue, [...newTasks(3, 'normal'), ...newTasks(2, 'express')]);
    const depths = await queue.depths();
    expect(depths).toHaveLength(17);
    await until('both are counted', async () => (await readyOf(queue, KIND)) === 5);
    expect(await readyOf(queue, `${KIND}.normal`)).toBe(3);
    expect(await readyOf(queue, `${KIND}.express`)).toBe(2);
    for (const { oldestSeconds } of depths) expect(oldestSeconds ?? 0).toBeGreaterThanOrEqual(0);
  });

  it('finishes the running tasks on stop, takes no new one, and leaves the rest', async () => {
    const queue = await openQueue();
    const tasks = newTasks(40);
    await sendAll(queue, tasks);
    const door = new Gate();
    const started: string[] = [];
    const finished: string[] = [];
    const consumption = await queue.consume(KIND, async ({ id }) => {
      started.push(id);
      await door.pass;
      finished.push(id);
      return 'done';
    });
    await until('it is running', () => started.length > 0);
    expect(consumption.attached()).toBe(true);

    const stopped = consumption.stop(20_000);
    door.open();
    await stopped;

    expect(consumption.attached()).toBe(false);
    expect(finished).toEqual(started);
    await until('the rest waits', async () => (await readyOf(queue, KIND)) === tasks.length - finished.length);
  });

  it('stops after the time to drain, and the task that still runs comes again', async () => {
    const stuck = await openQueue();
    const queued = newTask();
    const door = new Gate();
    let started = false;
    const consumption = await stuck.consume(KIND, async () => {
      started = true;
      await door.pass;
      return 'done';
    });
    await sendAll(stuck, [queued]);
    await until('it is running', () => started);
    const before = Date.now();
    await consumption.stop(300);
    expect(Date.now() - before).toBeLessThan(5000);
    await stuck.close();

    const seen: QueuedTask[] = [];
    await consume(await openQueue(), async (again) => (seen.push(again), 'done'));
    await until('it came again', () => seen.length > 0);
    expect(seen).toEqual([queued]);
    door.open();
  });

  it('loses nothing it has taken when the server goes away for seconds and comes back', async () => {
    const queue = await openQueue(true);
    const seen = new Set<string>();
    const consumption = await consume(queue, async ({ id }) => (seen.add(id), 'done'));
    await until('it is attached', () => consumption.attached());
    const taken = new Set<string>();
    const enough = new AbortController();
    const sender = (async () => {
      while (!enough.signal.aborted) {
        for (const id of await queue.send(newTasks(10)).catch(() => [])) taken.add(id);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await until('work flows', () => seen.size > 100);

    await rig().proxy.cut();
    await until('check() says so', async () => !(await queue.check().then(...settled)));
    const before = taken.size;
    await outage(3000);
    await rig().proxy.open();

    await until('check() is content', () => queue.check().then(...settled), 30_000);
    await until('sending goes on', () => taken.size > before + 100, 30_000);
    enough.abort();
    await sender;
    await until('all that was taken is handled', () => [...taken].every((id) => seen.has(id)), rig().lostProcessMs);
  });

  it('may be opened before its server, says so in one sentence, and starts to work when the server comes', async () => {
    await rig().proxy.cut();
    const queue = queueOf(true);
    await expect(queue.open()).rejects.toThrow(/cannot be used: .*trying again/s);
    await expect(queue.check()).rejects.toThrow();
    await expect(queue.send([newTask()])).rejects.toThrow();
    const seen: string[] = [];
    const consumption = await consume(queue, async ({ id }) => (seen.push(id), 'done'));
    expect(consumption.attached()).toBe(false);

    await rig().proxy.open();

    await until('it is attached', () => consumption.attached(), 30_000);
    const queued = newTask();
    await sendAll(queue, [queued]);
    await until('it works', () => seen.length > 0);
    expect(seen).toEqual([queued.id]);
  });

  it('settles a send within the confirm timeout when the server hangs, and recovers', async () => {
    const queue = await openQueue(true);
    rig().proxy.stall();
    const before = Date.now();
    const taken = await queue.send([newTask()]).catch(() => []);
    expect(Date.now() - before).toBeLessThan(11_000);
    expect(taken).toEqual([]);
    await expect(queue.check()).rejects.toThrow();

    rig().proxy.resume();
    await sendAll(queue, [newTask()], 60_000);
    await until('check() is content', () => queue.check().then(...settled));
  });

  it('carries QueueServer: a passing error is deferred to a later attempt, a permanent one is buried and dead', async () => {
    const queue = await openQueue();
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
}

const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id);

/** A wait that is the thing tested, not a wait for something. */
const outage = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** For `then`: whether a promise was kept. */
const settled = [() => true, () => false] as const;
