import type { Priority, Task } from '@lienthong/contracts';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolClient, QueryResult } from 'pg';
import type { DataSource, EntityManager } from 'typeorm';
import { type OutboxRow, outboxRow } from './outbox.store';
import { prepared } from './prepared';
import { type Change, UnitRecords } from './unit-records';

/** One transaction in progress: everything that must commit together goes through it. */
export class Unit {
  /** What the work appends: written together, in one statement, before the commit. */
  readonly records = new UnitRecords();
  private changes: Change[] = [];

  constructor(private readonly connection: Pick<Connection, 'query'>) {}

  /**
   * Statements that are not awaited one by one go to the server together, and run in their order.
   * @returns the rows, also of INSERT/UPDATE/DELETE … RETURNING
   */
  async query<T = Record<string, unknown>>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    const changed = this.changes.length > 0 ? this.writeChanges() : undefined;
    const answer = this.connection.query(sql, parameters);
    if (changed) await Promise.all([changed, answer]);
    return (await answer).rows as T[];
  }

  /** Waits for the unit's next statement, or its end, and goes with it; that is where it fails if it meets other rows than it must. */
  async change(change: Change): Promise<void> {
    if (this.changes.some(({ of }) => of.some((id) => change.of.includes(id)))) await this.writeChanges();
    this.changes.push(change);
  }

  /** Puts a task into the outbox; it is sent after the commit, by this process at once or by the relay. */
  enqueue(task: Task, priority: Priority, delayMs = 0, attempt = 1): void {
    this.records.tasks.push(outboxRow({ task, priority, delayMs, attempt }));
  }

  /** The last statement of the unit. */
  last(): LastStatement | undefined {
    const changes = this.changes.splice(0);
    const statement = this.records.statement(changes);
    return statement && { ...statement, changes };
  }

  private async writeChanges(): Promise<void> {
    const changes = this.changes.splice(0);
    const { text, values } = new UnitRecords().statement(changes)!;
    await mustHaveMet(changes, await this.connection.query(text, values));
  }
}

/** What a unit read without holding it is no longer so: nothing was written, read it again. */
export class Overtaken extends Error {}

interface LastStatement {
  text: string;
  values: unknown[];
  changes: Change[];
}

async function mustHaveMet(changes: Change[], { rows: [met] }: QueryResult): Promise<void> {
  for (const [index, { rows, otherwise }] of changes.entries()) if (met[`c${index}`] !== rows) throw await otherwise();
}

/** A unit for the registry, whose rows TypeORM maps. */
export class EntityUnit extends Unit {
  constructor(
    connection: Pick<Connection, 'query'>,
    readonly manager: EntityManager,
  ) {
    super(connection);
  }
}

/** A place in the pool, taken with the first statement; BEGIN goes to the server together with that. */
class Connection {
  private client?: Promise<PoolClient>;
  private begun?: Promise<unknown>;
  private broken?: Error;
  private readonly onError = (error: Error): void => void (this.broken = error);

  constructor(private readonly pool: Pool) {}

  get used(): boolean {
    return this.client !== undefined;
  }

  async query(sql: string, parameters: unknown[] = []): Promise<QueryResult> {
    this.client ??= this.open();
    return (await this.client).query(prepared(sql, parameters));
  }

  /** @param last sent together with COMMIT, which does not commit when it fails */
  async commit(last?: { text: string; values: unknown[] }): Promise<void> {
    const client = await (this.client ??= this.open());
    await this.begun;
    const written = last && client.query(prepared(last.text, last.values));
    const committed = client.query('COMMIT');
    await Promise.allSettled([written, committed]);
    await written;
    if ((await committed).command !== 'COMMIT') throw new Error('PostgreSQL rolled back instead of committing.');
  }

  async rollback(): Promise<void> {
    const client = await this.client?.catch(() => undefined);
    await client?.query('ROLLBACK').catch((error: Error) => (this.broken ??= error));
  }

  async release(): Promise<void> {
    const client = await this.client?.catch(() => undefined);
    client?.off('error', this.onError).release(this.broken);
  }

  private async open(): Promise<PoolClient> {
    const client = await this.pool.connect();
    client.on('error', this.onError);
    this.begun = client.query('BEGIN');
    this.begun.catch(() => undefined);
    return client;
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

  /**
   * As few round trips as the work allows: BEGIN goes with its first statement, what it appends with COMMIT; and a unit that reads nothing and
   * makes one change is a single statement, whose appended rows are written only if the change met its row.
   */
  async run<T>(work: (unit: Unit) => Promise<T>): Promise<T> {
    return this.again(async () => {
      const connection = new Connection(this.pool);
      const unit = new Unit(connection);
      try {
        const result = await work(unit);
        await this.finish(connection, unit.last());
        this.tell(unit.records);
        return result;
      } catch (error) {
        await connection.rollback();
        throw error;
      } finally {
        await connection.release();
      }
    });
  }

  /** `run` with TypeORM's entities. */
  async runWithEntities<T>(work: (unit: EntityUnit) => Promise<T>): Promise<T> {
    return this.again(async () => {
      let records: UnitRecords | undefined;
      const result = await this.dataSource.transaction(async (manager) => {
        const client = (await manager.queryRunner?.connect()) as PoolClient;
        const connection = {
          query: async (sql: string, parameters: unknown[] = []) => client.query(prepared(sql, parameters)),
        };
        const unit = new EntityUnit(connection, manager);
        const done = await work(unit);
        const last = unit.last();
        if (last) await mustHaveMet(last.changes, await connection.query(last.text, last.values));
        ({ records } = unit);
        return done;
      });
      this.tell(records);
      return result;
    });
  }

  private async finish(connection: Connection, last: LastStatement | undefined): Promise<void> {
    // A change of several rows could meet some of them only.
    if (
      !connection.used &&
      (!last || last.changes.length === 0 || (last.changes.length === 1 && last.changes[0].rows === 1))
    ) {
      if (last) await mustHaveMet(last.changes, await this.pool.query(prepared(last.text, last.values)));
      return;
    }
    if (!last || last.changes.length === 0) return connection.commit(last);
    await mustHaveMet(last.changes, await connection.query(last.text, last.values));
    await connection.commit();
  }

  private async again<T>(attempt: () => Promise<T>): Promise<T> {
    for (let n = 1; ; n++) {
      try {
        return await attempt();
      } catch (error) {
        if (n === 3 || !TRY_AGAIN.has((error as { code?: string }).code ?? '')) throw error;
        // Begun again at once it would overtake the other, who has just been woken, and both would meet again.
        await sleep(randomInt(10, 50) * n);
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

  /** How long a place in the pool is waited for now, ms; 0 while some are free or nobody waits. */
  async poolWaitMs(): Promise<number> {
    if (this.pool.waitingCount === 0) return 0;
    const began = performance.now();
    (await this.pool.connect()).release();
    return performance.now() - began;
  }

  private get pool(): Pool {
    return (this.dataSource.driver as unknown as { master: Pool }).master;
  }
}
