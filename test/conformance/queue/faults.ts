import type { QueuedTask } from '@lienthong/queue';
import { Gate, KIND, newTask, newTasks, readyOf, sendAll, until } from './bench';
import { type Rig, Stage } from './stage';

/** What holds while processes and servers come and go (reliability 9.1). */
export function faults(rig: () => Rig): void {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage(rig());
  });
  afterEach(() => stage.clear());

  it('delivers a task again whose consumer was lost before it answered', async () => {
    const lost = await stage.open(true);
    const alive = await stage.open();
    const queued = newTask('express');
    const door = new Gate();
    let started = false;
    await stage.consume(lost, async () => {
      started = true;
      await door.pass;
      return 'done';
    });
    await sendAll(alive, [queued]);
    await until('the first consumer has it', () => started);

    await stage.rig.proxy.cut();
    const lostAt = Date.now();
    const seen: QueuedTask[] = [];
    await stage.consume(alive, async (again) => (seen.push(again), 'done'));

    await until('the second consumer has it', () => seen.length > 0, stage.rig.lostProcessMs);
    expect(seen).toEqual([queued]);
    console.info(`consumer lost: its task came again after ${Date.now() - lostAt} ms`);
    door.open();
  });

  it('finishes the running tasks on stop, takes no new one, and leaves the rest', async () => {
    const queue = await stage.open();
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
    // The first tasks may come before the server's word that it takes the consumer.
    await until('it is running and attached', () => started.length > 0 && consumption.attached());

    const stopped = consumption.stop(20_000);
    door.open();
    await stopped;

    expect(consumption.attached()).toBe(false);
    expect(finished).toEqual(started);
    await until('the rest waits', async () => (await readyOf(queue, KIND)) === tasks.length - finished.length);
  });

  it('stops after the time to drain, and the task that still runs comes again', async () => {
    const stuck = await stage.open();
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
    await stage.consume(await stage.open(), async (again) => (seen.push(again), 'done'));
    await until('it came again', () => seen.length > 0);
    expect(seen).toEqual([queued]);
    door.open();
  });

  it('loses nothing it has taken when the server goes away for seconds and comes back', async () => {
    const queue = await stage.open(true);
    const seen = new Set<string>();
    const consumption = await stage.consume(queue, async ({ id }) => (seen.add(id), 'done'));
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

    await stage.rig.proxy.cut();
    await until('check() says so', async () => !(await queue.check().then(...settled)));
    const before = taken.size;
    await outage(3000);
    await stage.rig.proxy.open();

    await until('check() is content', () => queue.check().then(...settled), 30_000);
    await until('sending goes on', () => taken.size > before + 100, 30_000);
    enough.abort();
    await sender;
    await until('all that was taken is handled', () => [...taken].every((id) => seen.has(id)), stage.rig.lostProcessMs);
    console.info(`server away for 3 s: ${taken.size} tasks taken, ${taken.size - before} of them afterwards, 0 lost`);
  });

  it('may be opened before its server, says so in one sentence, and starts to work when the server comes', async () => {
    await stage.rig.proxy.cut();
    const queue = stage.queue(true);
    await expect(queue.open()).rejects.toThrow(/cannot be used: .*trying again/s);
    await expect(queue.check()).rejects.toThrow();
    await expect(queue.send([newTask()])).rejects.toThrow();
    const seen: string[] = [];
    const consumption = await stage.consume(queue, async ({ id }) => (seen.push(id), 'done'));
    expect(consumption.attached()).toBe(false);

    await stage.rig.proxy.open();

    await until('it is attached', () => consumption.attached(), 30_000);
    const queued = newTask();
    await sendAll(queue, [queued]);
    await until('it works', () => seen.length > 0);
    expect(seen).toEqual([queued.id]);
  });

  it('settles a send within the confirm timeout when the server hangs, and recovers', async () => {
    const queue = await stage.open(true);
    stage.rig.proxy.stall();
    const before = Date.now();
    const taken = await queue.send([newTask()]).catch(() => []);
    const settledMs = Date.now() - before;
    expect(settledMs).toBeLessThan(11_000);
    expect(taken).toEqual([]);
    console.info(`server hangs: a send was settled as unknown after ${settledMs} ms`);
    await expect(queue.check()).rejects.toThrow();

    stage.rig.proxy.resume();
    await sendAll(queue, [newTask()], 60_000);
    await until('check() is content', () => queue.check().then(...settled));
  });
}

/** A wait that is the thing tested, not a wait for something. */
const outage = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** For `then`: whether a promise was kept. */
const settled = [() => true, () => false] as const;
