import type { TaskKind } from '@lienthong/contracts';
import { Logger } from '@nestjs/common';
import { type ConstructorOptions, PgBoss } from 'pg-boss';
import { allLanes, CONFIRM_MS, deadQueue, DELIVERY_LIMIT, laneOf, lanesOf, readTask } from '../lanes';
import { PostgresConsumption, type StoredTask } from './postgres-consumption';
import { type Consumption, type DeadLetter, type Depth, Queue, type QueuedTask, type TaskOutcome } from '../queue';
import { pause, within } from '../trouble';

export interface PostgresQueueOptions {
  /** A direct connection or a session-mode pooler: LISTEN does not pass a transaction-mode pooler (then tasks wait for the next poll, 2 s). */
  connectionString: string;
  /** The schema that pg-boss owns. Default `lienthong_queue`. */
  schema?: string;
  /** First word of every queue's name. Default `lienthong`. */
  prefix?: string;
}

interface DeadJob {
  jobId: string;
  id: string;
  queue: string | null;
  deliveries: number;
  data: Partial<StoredTask> | null;
}

/** Fetching, settling and sending are short statements; one more connection listens. */
const CONNECTIONS = 4;
/** A worker that died is noticed after HEARTBEAT + MONITOR seconds at the latest; with the poll its task runs again within about 40 s. */
const HEARTBEAT_SECONDS = 20;
const MONITOR_SECONDS = 15;
/** pg-boss's longest. A task or dead letter of that age has no meaning left. */
const RETENTION_SECONDS = 365 * 24 * 3600;
/** Finished jobs serve nobody: gone with the next sweep, so that the table holds only what is waiting. */
const KEEP_FINISHED_SECONDS = 30;
const SWEEP_SECONDS = 30;
const RECONNECT_MS = { first: 500, longest: 15_000 };
const CHECK_MS = 3000;
/** Its statements are short, its sweeps are not; what takes longer goes to a server that is gone without a word, for which TCP alone would wait a quarter of an hour. */
const ANSWER_MS = 20_000;
const CLOSE_MS = 5000;

const LANE_OPTIONS = {
  notify: true,
  retryLimit: DELIVERY_LIMIT,
  retryDelay: 0,
  heartbeatSeconds: HEARTBEAT_SECONDS,
  retentionSeconds: RETENTION_SECONDS,
  deleteAfterSeconds: KEEP_FINISHED_SECONDS,
};

/**
 * Tasks in PostgreSQL by pg-boss: for the embedded default and a small office that runs no broker. One pg-boss queue per kind and priority,
 * not its `priority` column: that is strict, so a steady flow of express tasks would starve the others; own queues have own workers.
 */
export class PostgresQueue extends Queue {
  private readonly logger = new Logger('PostgresQueue');
  private readonly prefix: string;
  private readonly schema: string;
  private readonly consumptions = new Set<PostgresConsumption>();
  private readonly closing = new AbortController();
  private boss: PgBoss | undefined;
  private said = '';

  constructor(private readonly options: PostgresQueueOptions) {
    super();
    this.prefix = options.prefix ?? 'lienthong';
    this.schema = options.schema ?? 'lienthong_queue';
  }

  async open(): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      void this.keepStarting();
      throw new Error(`${sentenceOf(error)} Tasks wait; trying again until it answers.`, { cause: error });
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    const boss = this.boss;
    this.boss = undefined;
    if (!boss) return;
    await within(CLOSE_MS, 'The queue database did not answer while closing.', boss.stop({ graceful: false })).catch(
      (error: Error) => this.logger.warn(error.message),
    );
  }

  async check(): Promise<void> {
    await within(CHECK_MS, 'The queue database does not answer.', this.query('SELECT 1'));
  }

  async send(tasks: QueuedTask[]): Promise<string[]> {
    const boss = this.running();
    const lanes = new Map<string, Map<string, QueuedTask>>();
    for (const queued of tasks) {
      const queue = laneOf(this.prefix, queued);
      const lane = lanes.get(queue) ?? new Map<string, QueuedTask>();
      lanes.set(queue, lane.set(queued.id, queued));
    }
    // An id that the table still knows is skipped by the insert: it was taken before, which is what the caller wants to hear.
    const sent = await Promise.allSettled(
      [...lanes].map(async ([queue, lane]) => {
        const jobs = [...lane.values()].map(({ id, task, attempt }) => ({ id, data: { task, attempt } }));
        await within(CONFIRM_MS, 'The queue database did not answer in time.', boss.insert(queue, jobs));
        return [...lane.keys()];
      }),
    );
    const taken = sent.flatMap((lane) => (lane.status === 'fulfilled' ? lane.value : []));
    const failed = sent.find((lane) => lane.status === 'rejected');
    if (failed && taken.length === 0) throw failed.reason;
    return taken;
  }

  async consume(kind: TaskKind, handle: (queued: QueuedTask) => Promise<TaskOutcome>): Promise<Consumption> {
    const consumption = new PostgresConsumption(lanesOf(this.prefix, kind), handle, (gone) =>
      this.consumptions.delete(gone),
    );
    this.consumptions.add(consumption);
    if (this.boss) await consumption.attach(this.boss);
    return consumption;
  }

  async depths(): Promise<Depth[]> {
    const queues = [...allLanes(this.prefix).map((lane) => lane.queue), deadQueue(this.prefix)];
    const rows = await this.query<{ name: string; ready: string; oldest: string }>(
      `SELECT name, count(*) AS ready, extract(epoch FROM now() - min(created_on)) AS oldest
       FROM "${this.schema}".job WHERE name = ANY($1) AND state < 'active' AND start_after <= now() GROUP BY name`,
      [queues],
    );
    const byName = new Map(rows.map((row) => [row.name, row]));
    return queues.map((queue) => {
      const row = byName.get(queue);
      return { queue, ready: Number(row?.ready ?? 0), oldestSeconds: row ? Number(row.oldest) : null };
    });
  }

  async dead(limit: number): Promise<DeadLetter[]> {
    return (await this.deadJobs(limit)).map(({ letter }) => letter);
  }

  async clearDead(limit: number, record: (givenUp: QueuedTask[]) => Promise<void>): Promise<number> {
    const tasks = (await this.deadJobs(limit)).flatMap(({ letter: { task, ...rest }, ...job }) =>
      task ? [{ ...job, queued: { ...rest, task } }] : [],
    );
    const givenUp = tasks.filter(({ deliveries }) => deliveries >= DELIVERY_LIMIT).map(({ queued }) => queued);
    if (givenUp.length > 0) await record(givenUp);
    if (tasks.length > 0)
      await this.query(`DELETE FROM "${this.schema}".job WHERE name = $1 AND id = ANY($2::uuid[])`, [
        deadQueue(this.prefix),
        tasks.map(({ jobId }) => jobId),
      ]);
    return tasks.length;
  }

  /** The oldest first; `deliveries` is how often its worker was lost or gave it back. */
  private async deadJobs(limit: number): Promise<{ jobId: string; deliveries: number; letter: DeadLetter }[]> {
    const rows = await this.query<DeadJob>(
      `SELECT id AS "jobId", coalesce(source_id, id) AS id, source_name AS queue, coalesce(source_retry_count, 0) AS deliveries, data
       FROM "${this.schema}".job WHERE name = $1 AND state < 'active' ORDER BY created_on, id LIMIT $2`,
      [deadQueue(this.prefix), limit],
    );
    return rows.map(({ jobId, deliveries, id, queue, data }) => ({
      jobId,
      deliveries,
      letter: {
        id,
        task: readTask(data?.task),
        priority: allLanes(this.prefix).find((lane) => lane.queue === queue)?.priority ?? 'normal',
        attempt: data?.attempt ?? 1,
      },
    }));
  }

  /** After this has succeeded once, pg-boss itself outlives a restart of the database. */
  private async start(): Promise<void> {
    const options: ConstructorOptions & { query_timeout: number } = {
      connectionString: this.options.connectionString,
      schema: this.schema,
      max: CONNECTIONS,
      application_name: 'lienthong-queue',
      useListenNotify: true,
      schedule: false,
      superviseIntervalSeconds: MONITOR_SECONDS,
      monitorIntervalSeconds: MONITOR_SECONDS,
      maintenanceIntervalSeconds: SWEEP_SECONDS,
      query_timeout: ANSWER_MS,
    };
    const boss = new PgBoss(options);
    boss.on('error', (error) => this.sayOnce(sentenceOf(error)));
    boss.on('warning', (warning) => this.sayOnce(warning.message));
    try {
      await boss.start();
      await this.declare(boss);
    } catch (error) {
      await boss.stop({ graceful: false }).catch(() => undefined);
      throw error;
    }
    if (this.closing.signal.aborted) {
      await boss.stop({ graceful: false });
      return;
    }
    this.boss = boss;
    for (const consumption of this.consumptions) await consumption.attach(boss);
  }

  private async keepStarting(): Promise<void> {
    for (let ms = RECONNECT_MS.first; !this.closing.signal.aborted; ms = Math.min(ms * 2, RECONNECT_MS.longest)) {
      await pause(ms, this.closing.signal);
      try {
        if (!this.closing.signal.aborted) await this.start();
        if (this.boss) this.logger.log('The queue database answers.');
        return;
      } catch (error) {
        this.sayOnce(sentenceOf(error));
      }
    }
  }

  /** Queues of an earlier version take over today's options: `createQueue` leaves an existing one as it is. */
  private async declare(boss: PgBoss): Promise<void> {
    const dead = deadQueue(this.prefix);
    await boss.createQueue(dead, { retentionSeconds: RETENTION_SECONDS });
    const existing = new Set((await boss.getQueues()).map((queue) => queue.name));
    for (const { queue } of allLanes(this.prefix)) {
      const options = { ...LANE_OPTIONS, deadLetter: dead };
      if (existing.has(queue)) await boss.updateQueue(queue, options);
      else await boss.createQueue(queue, options);
    }
  }

  private running(): PgBoss {
    if (!this.boss) throw new Error('The queue database has not been reached yet.');
    return this.boss;
  }

  private async query<T>(sql: string, values: unknown[] = []): Promise<T[]> {
    const { rows } = await this.running().getDb().executeSql(sql, values);
    return rows as T[];
  }

  /** During an outage every worker reports the same error every few seconds: one line per sentence is enough. */
  private sayOnce(sentence: string): void {
    if (sentence !== this.said) this.logger.warn(sentence);
    this.said = sentence;
  }
}

function sentenceOf(error: unknown): string {
  const { code, message: text } = error as { code?: string; message?: string };
  // pg-boss names the worker, of which there are dozens that all fail alike.
  const message = text?.replace(/ \(Queue: .*\)$/, '');
  if (code === '28P01' || code === '28000') return `The queue database refuses these credentials (${message}).`;
  if (code === '42501') return `The queue database refuses what is needed to keep tasks (${message}).`;
  if (code === '3D000') return `The queue database does not exist (${message}).`;
  return `The queue database cannot be used: ${message || code || String(error)}.`;
}
