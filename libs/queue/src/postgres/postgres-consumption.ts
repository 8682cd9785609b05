import type { Task } from '@lienthong/contracts';
import { Logger } from '@nestjs/common';
import type { Job, JobResult, PgBoss } from 'pg-boss';
import { type Lane, readTask, SHARES } from '../lanes';
import type { Consumption, QueuedTask, TaskOutcome } from '../queue';
import { pause, Trouble } from '../trouble';

export interface StoredTask {
  task: Task;
  attempt: number;
}

/** Jobs that one worker takes at once. They are settled together, so that a slow one holds up three others at most. */
const BATCH = 4;
/** pg-boss wakes the workers by NOTIFY; these are for what a broken connection let slip. */
const POLL_SECONDS = { listening: 5, deaf: 2 };

/** One kind, four queues, `SHARES` running tasks each. */
export class PostgresConsumption implements Consumption {
  private readonly logger = new Logger('PostgresQueue');
  private readonly trouble = new Trouble();
  private readonly stopping = new AbortController();
  private workers: { boss: PgBoss; queue: string; id: string }[] = [];

  constructor(
    private readonly lanes: Lane[],
    private readonly handle: (queued: QueuedTask) => Promise<TaskOutcome>,
    private readonly forget: (consumption: PostgresConsumption) => void,
  ) {}

  /** Workers poll by themselves: while the database is away there is nothing to attach again, `Queue.check()` tells. */
  attached(): boolean {
    return this.workers.length === this.lanes.length;
  }

  async attach(boss: PgBoss): Promise<void> {
    for (const lane of this.lanes) {
      const batchSize = Math.min(BATCH, SHARES[lane.priority]);
      const id = await boss.work<StoredTask>(
        lane.queue,
        {
          batchSize,
          localConcurrency: SHARES[lane.priority] / batchSize,
          perJobResults: true,
          burstWhenBatchFull: true,
          pollingIntervalSeconds: POLL_SECONDS.deaf,
          notifyPollingIntervalSeconds: POLL_SECONDS.listening,
        },
        (jobs) => Promise.all(jobs.map((job) => this.settle(lane, job))),
      );
      this.workers.push({ boss, queue: lane.queue, id });
    }
  }

  async stop(drainMs: number): Promise<void> {
    const workers = this.workers;
    this.workers = [];
    this.forget(this);
    this.stopping.abort();
    const clock = new AbortController();
    const drained = Promise.all(workers.map(({ boss, queue, id }) => boss.offWork(queue, { id, wait: true })));
    await Promise.race([drained, pause(drainMs, clock.signal)]);
    clock.abort();
  }

  private async settle(lane: Lane, { id, data }: Job<StoredTask>): Promise<JobResult> {
    const task = readTask(data?.task, lane.kind);
    if (!task) {
      this.logger.error(`Job ${id} in ${lane.queue} is not a task of that kind: moved to the dead letters.`);
      return { id, status: 'deadletter' };
    }
    try {
      const outcome = await this.handle({ id, task, priority: lane.priority, attempt: data.attempt });
      this.trouble.over();
      return { id, status: outcome === 'dead' ? 'deadletter' : 'completed' };
    } catch {
      await this.trouble.wait(this.stopping.signal);
      return { id, status: 'failed' };
    }
  }
}
