import type { Priority, Task } from '@lienthong/contracts';
import type { Pool, PoolClient, QueryResult } from 'pg';
import type { DataSource, EntityManager } from 'typeorm';
import { type OutboxRow, outboxRow } from './outbox.store';
import { prepared } from './prepared';
import { UnitRecords } from './unit-records';

/** One transaction in progress: everything that must commit together goes through it. */
export class Unit {
  /** What the work appends: written together, in one statement, before the commit. */
  readonly records = new UnitRecords();

  constructor(readonly manager: EntityManager) {}

  /** @returns the rows, also of INSERT/UPDATE/DELETE … RETURNING */
  async query<T = Record<string, unknown>>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    const client = (await this.manager.queryRunner?.connect()) as PoolClient;
    return (await client.query(prepared(sql, parameters))).rows as T[];
  }

  /** Puts a task into the outbox; it is sent after the commit, by this process at once or by the relay. */
  enqueue(task: Task, priority: Priority, delayMs = 0): void {
    this.records.tasks.push(outboxRow({ task, priority, delayMs }));
  }
}

/** What happens after a commit: hints only, and the timers do the same for whoever died before it. */
export interface AfterCommit {
  tasks(rows: OutboxRow[]): void;
  events(): void;
}

const TRY_AGAIN = new Set(['40001', '40P01']);

/** Runs work in one transaction; a serialization failure or deadlock is tried again, three times in all. */
export class Transactions {
  constructor(
    readonly dataSource: DataSource,
    private readonly afterCommit?: AfterCommit,
  ) {}

  async run<T>(work: (unit: Unit) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let unit: Unit | undefined;
      try {
        const result = await this.dataSource.transaction(async (manager) => {
          unit = new Unit(manager);
          const done = await work(unit);
          await unit.records.write(unit);
          return done;
        });
        this.tell(unit?.records);
        return result;
      } catch (error) {
        if (attempt === 3 || !TRY_AGAIN.has((error as { code?: string }).code ?? '')) throw error;
      }
    }
  }

  private tell(records: UnitRecords | undefined): void {
    if (records && records.tasks.length > 0) this.afterCommit?.tasks(records.tasks);
    if (records && records.events.length > 0) this.afterCommit?.events();
  }

  /** A single statement outside any transaction. */
  async query<T = Record<string, unknown>>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    return (await this.pool.query(prepared(sql, parameters))).rows as T[];
  }

  /** Several statements without parameters in one message; @returns the rows of the last that has any. */
  async script<T>(sql: string): Promise<T[]> {
    const answers = (await this.pool.query(sql)) as unknown as QueryResult[];
    return answers.findLast(({ rows }) => rows.length > 0)?.rows as T[];
  }

  private get pool(): Pool {
    return (this.dataSource.driver as unknown as { master: Pool }).master;
  }
}
