import type { Priority, Task } from '@lienthong/contracts';
import type { DataSource, EntityManager } from 'typeorm';
import { type OutboxRow, putTasks } from './outbox.store';

/** One transaction in progress: everything that must commit together goes through it. */
export class Unit {
  readonly tasks: OutboxRow[] = [];
  announced = false;

  constructor(readonly manager: EntityManager) {}

  /** @returns the rows, also of INSERT/UPDATE/DELETE … RETURNING (TypeORM answers these with `[rows, count]`). */
  async query<T = Record<string, unknown>>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    return rowsOf<T>(await this.manager.query(sql, parameters));
  }

  /** Puts a task into the outbox; it is sent after the commit, by this process at once or by the relay. */
  async enqueue(task: Task, priority: Priority, delayMs = 0): Promise<void> {
    this.tasks.push(...(await putTasks(this, [{ task, priority, delayMs }])));
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
        const result = await this.dataSource.transaction((manager) => work((unit = new Unit(manager))));
        if (unit && unit.tasks.length > 0) this.afterCommit?.tasks(unit.tasks);
        if (unit?.announced) this.afterCommit?.events();
        return result;
      } catch (error) {
        if (attempt === 3 || !TRY_AGAIN.has((error as { code?: string }).code ?? '')) throw error;
      }
    }
  }

  /** A single statement outside any transaction. */
  async query<T = Record<string, unknown>>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    return rowsOf<T>(await this.dataSource.query(sql, parameters));
  }
}

function rowsOf<T>(answer: unknown): T[] {
  return (
    Array.isArray(answer) && answer.length === 2 && Array.isArray(answer[0]) && typeof answer[1] === 'number'
      ? answer[0]
      : answer
  ) as T[];
}
