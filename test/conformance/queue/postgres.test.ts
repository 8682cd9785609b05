import { randomBytes } from 'node:crypto';
import { PostgresQueue } from '@lienthong/queue';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { newTask, newTasks, readyOf, sendAll, until, KIND } from './bench';
import { outlasting } from './outlasting';
import { postgresServer } from './postgres-server';
import { queueConformance } from './suite';
import { TcpProxy } from '../../support/tcp-proxy';

jest.setTimeout(120_000);

describe('PostgresQueue', () => {
  const schema = `test_${randomBytes(5).toString('hex')}`;
  let server: Awaited<ReturnType<typeof postgresServer>>;
  let proxy: TcpProxy;
  let client: Client;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    server = await postgresServer();
    const { hostname, port } = new URL(server.url);
    proxy = new TcpProxy({ host: hostname, port: Number(port) });
    await proxy.open();
    client = new Client({ connectionString: server.url });
    await client.connect();
  });
  afterAll(async () => {
    await client?.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await client?.end();
    await proxy?.cut();
    await server?.stop();
  });

  const create = (prefix: string, proxied = false) =>
    new PostgresQueue({ connectionString: proxied ? proxy.address(server.url) : server.url, schema, prefix });

  const nothingLeft = async (prefix: string) => {
    const { rows } = await client.query(`SELECT count(*)::int AS left FROM ${schema}.job WHERE name LIKE $1`, [
      `${prefix}.%`,
    ]);
    return rows[0].left === 0;
  };

  queueConformance(() => ({
    proxy,
    create,
    putGarbage: async (queue) => {
      await client.query(
        `INSERT INTO ${schema}.job (name, data, dead_letter, retry_limit)
         SELECT name, '"no task"', dead_letter, retry_limit FROM ${schema}.queue WHERE name = $1`,
        [queue],
      );
    },
    wearOut: async (queue) => {
      await client.query(
        `UPDATE ${schema}.job SET retry_count = retry_limit - 1, started_on = now(), state = 'retry' WHERE name = $1`,
        [queue],
      );
    },
    lostProcessMs: 60_000,
  }));

  it('keeps no finished task in its tables', async () => {
    const queue = create('finished');
    await queue.open();
    let done = 0;
    const consumption = await queue.consume(KIND, async () => (done++, 'done'));
    await sendAll(queue, newTasks(50));
    await until('all are done', () => done === 50);
    await until('they are swept away', () => nothingLeft('finished'), 100_000);
    await consumption.stop(1000);
    await queue.close();
  });

  it('wakes a waiting worker at once instead of at its next poll', async () => {
    const queue = create('woken');
    await queue.open();
    const waits: number[] = [];
    let sent = 0;
    const consumption = await queue.consume(KIND, async () => (waits.push(Date.now() - sent), 'done'));
    for (let round = 1; round <= 5; round++) {
      await until('nothing is left', async () => (await readyOf(queue, KIND)) === 0);
      sent = Date.now();
      await queue.send([newTask()]);
      await until('it is handled', () => waits.length === round);
    }
    expect(waits.toSorted((a, b) => a - b)[2]).toBeLessThan(500);
    await consumption.stop(1000);
    await queue.close();
  });

  it('has a task come again whose handler outlasts its time, and goes on beside it', async () => {
    const queue = create('outlasting');
    await queue.open();
    await outlasting(queue, (id) => client.query(`UPDATE ${schema}.job SET expire_seconds = 1 WHERE id = $1`, [id]));
    await queue.close();
  });

  it('says that the credentials are refused', async () => {
    const wrong = new URL(server.url);
    wrong.username = 'nobody_of_that_name';
    wrong.password = 'wrong';
    const queue = new PostgresQueue({ connectionString: wrong.href, schema });
    await expect(queue.open()).rejects.toThrow('refuses these credentials');
    await queue.close();
  });
});
