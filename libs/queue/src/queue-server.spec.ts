import { LienThongError, task, type TaskKind } from '@lienthong/contracts';
import { Controller, type INestMicroservice, type Type } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { defer as later, of } from 'rxjs';
import { OnTask, TaskErrorFilter } from './on-task';
import type { Consumption, QueuedTask, TaskOutcome } from './queue';
import { QueueServer, type QueueServerOptions, type TaskLine } from './queue-server';
import { TaskOverdue, TaskTime } from './task-time';

type Handle = (queued: QueuedTask) => Promise<TaskOutcome>;

/** A queue that the test drives by hand: `deliver` answers what the driver would be told. */
class HandQueue {
  readonly handlers = new Map<TaskKind, Handle>();
  readonly stopped: number[] = [];
  isAttached = true;

  async consume(kind: TaskKind, handle: Handle): Promise<Consumption> {
    this.handlers.set(kind, handle);
    return {
      attached: () => this.isAttached,
      stop: async (drainMs) => void this.stopped.push(drainMs),
    };
  }

  deliver(queued: QueuedTask): Promise<TaskOutcome> {
    const handle = this.handlers.get(queued.task.kind);
    if (!handle) throw new Error(`${queued.task.kind} is not consumed`);
    return handle(queued);
  }
}

const queued = (kind: TaskKind, attempt = 1): QueuedTask => ({
  id: '0190a7f0-0000-7000-8000-000000000001',
  task: task(kind, 'p-1'),
  priority: 'urgent',
  attempt,
});

const apps: INestMicroservice[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

async function start(controllers: Type[], options: Partial<QueueServerOptions> = {}, filter?: TaskErrorFilter) {
  const queue = new HandQueue();
  const lines: TaskLine[] = [];
  const deferred: [QueuedTask, number][] = [];
  const buried: [QueuedTask, string][] = [];
  const server = new QueueServer(queue, {
    kinds: ['notify-destination'],
    defer: async (...args) => void deferred.push(args),
    bury: async (...args) => void buried.push(args),
    log: (line) => lines.push(line),
    ...options,
  });
  const testing = await Test.createTestingModule({ controllers }).compile();
  const app = testing.createNestMicroservice({ strategy: server, logger: false });
  apps.push(app);
  if (filter) app.useGlobalFilters(filter);
  await app.listen();
  return { queue, server, app, lines, deferred, buried };
}

/** A handler of `notify-destination` that does what `work` does. */
function planner(work: (queued: QueuedTask) => unknown): Type {
  @Controller()
  class PlanDeliveryConsumer {
    @OnTask('notify-destination')
    plan(@Payload() queued: QueuedTask) {
      return work(queued);
    }
  }
  return PlanDeliveryConsumer;
}

/** One that is told how much time it has. */
function timed(work: (time: TaskTime) => unknown): Type {
  @Controller()
  class PlanDeliveryConsumer {
    @OnTask('notify-destination')
    plan(@Payload() _queued: QueuedTask, @Ctx() time: TaskTime) {
      return work(time);
    }
  }
  return PlanDeliveryConsumer;
}

describe('QueueServer', () => {
  it('gives the handler the queued task and answers done when it has returned', async () => {
    const seen: QueuedTask[] = [];
    const { queue, lines } = await start([planner((it) => void seen.push(it))]);

    await expect(queue.deliver(queued('notify-destination', 3))).resolves.toBe('done');

    expect(seen).toEqual([queued('notify-destination', 3)]);
    expect(lines).toEqual([
      { kind: 'notify-destination', packetId: 'p-1', attempt: 3, outcome: 'done', durationMs: expect.any(Number) },
    ]);
  });

  it('waits for a handler that returns an observable, also an empty one', async () => {
    let ran = false;
    const { queue } = await start([planner(() => later(() => ((ran = true), of())))]);
    await expect(queue.deliver(queued('notify-destination'))).resolves.toBe('done');
    expect(ran).toBe(true);
  });

  it('sees the error that the handler threw: a permanent one is buried, then dead', async () => {
    const error = new LienThongError('not_found');
    const { queue, buried, deferred, lines } = await start([planner(() => Promise.reject(error))]);

    await expect(queue.deliver(queued('notify-destination'))).resolves.toBe('dead');

    expect(buried).toEqual([[queued('notify-destination'), expect.stringContaining('not_found')]]);
    expect(deferred).toEqual([]);
    expect(lines[0]).toMatchObject({ outcome: 'dead', error });
  });

  it('defers a task whose error may pass, and the broker is told that this delivery is done', async () => {
    const { queue, deferred, buried, lines } = await start([planner(() => Promise.reject(new Error('timeout')))]);

    await expect(queue.deliver(queued('notify-destination', 2))).resolves.toBe('done');

    expect(deferred).toEqual([[queued('notify-destination', 2), expect.any(Number)]]);
    expect(buried).toEqual([]);
    expect(lines[0]).toMatchObject({ outcome: 'retry', delayMs: deferred[0][1] });
  });

  it.each([
    ['deferred', new Error('timeout'), 'defer'],
    ['buried', new LienThongError('not_found'), 'bury'],
  ] as const)('gives the task back when it cannot be %s', async (_what, error, step) => {
    const gone = new Error('the database is gone');
    const { queue, lines } = await start([planner(() => Promise.reject(error))], {
      [step]: () => Promise.reject(gone),
    });
    await expect(queue.deliver(queued('notify-destination'))).rejects.toBe(gone);
    expect(lines[0]).toMatchObject({ outcome: 'returned', error: gone });
  });

  it('takes a plain @EventPattern handler under a global TaskErrorFilter', async () => {
    @Controller()
    class Plain {
      @EventPattern<string>('notify-destination')
      plan() {
        throw new LienThongError('not_found');
      }
    }
    const { queue } = await start([Plain], {}, new TaskErrorFilter());
    await expect(queue.deliver(queued('notify-destination'))).resolves.toBe('dead');
  });

  it('says what to do when a handler without the filter fails, and tries that task again', async () => {
    @Controller()
    class Unfiltered {
      @EventPattern<string>('notify-destination')
      plan() {
        throw new LienThongError('not_found');
      }
    }
    const { queue, lines } = await start([Unfiltered]);
    await expect(queue.deliver(queued('notify-destination'))).resolves.toBe('done');
    expect(lines[0].error).toMatchObject({ message: expect.stringContaining('@OnTask') });
  });

  it('refuses to start when a kind has no handler', async () => {
    await expect(start([planner(() => undefined)], { kinds: ['notify-destination', 'purge-content'] })).rejects.toThrow(
      'no handler for purge-content',
    );
  });

  it('refuses to start when a kind has two handlers', async () => {
    await expect(start([planner(() => undefined), planner(() => undefined)])).rejects.toThrow(
      'more than one handler for notify-destination',
    );
  });

  it('refuses to start with a handler for a kind that is not its own', async () => {
    await expect(start([planner(() => undefined)], { kinds: [] })).rejects.toThrow(
      'a handler for notify-destination, which this process does not handle',
    );
  });

  it('is attached while every kind is, and drains on close', async () => {
    const { queue, server, app } = await start([planner(() => undefined)], { drainMs: 1234 });
    expect(server.attached()).toBe(true);
    queue.isAttached = false;
    expect(server.attached()).toBe(false);
    queue.isAttached = true;

    await app.close();

    expect(queue.stopped).toEqual([1234]);
    expect(server.attached()).toBe(false);
  });

  it('takes a handler that does not return in its time for failed, tells it so, and ignores what becomes of it', async () => {
    const times: TaskTime[] = [];
    let fail: (error: Error) => void = () => undefined;
    const stuck = timed((time) => {
      times.push(time);
      return new Promise((_, reject) => (fail = reject));
    });
    const { queue, lines, deferred, buried } = await start([stuck], { taskMs: 20 });
    expect(await queue.deliver(queued('notify-destination'))).toBe('done');
    expect(deferred).toHaveLength(1);
    expect(times[0].signal.reason).toBeInstanceOf(TaskOverdue);
    expect(lines).toMatchObject([
      { outcome: 'retry', error: { message: 'notify-destination did not end within 0 s.' } },
    ]);
    fail(new Error('late'));
    expect(await queue.deliver(queued('notify-destination', 12))).toBe('dead');
    expect(buried).toMatchObject([
      [{ attempt: 12 }, expect.stringContaining('gave up after 12 attempts: TaskOverdue')],
    ]);
    expect(lines).toHaveLength(2);
  });

  it('gives a handler more time for content that it says it reads', async () => {
    const reading = timed((time) => {
      time.allowReading(1024 * 1024 * 3600);
      return new Promise((resolve) => setTimeout(resolve, 50));
    });
    const { queue, lines } = await start([reading], { taskMs: 5 });
    expect(await queue.deliver(queued('notify-destination'))).toBe('done');
    expect(lines).toMatchObject([{ outcome: 'done' }]);
  });
});
