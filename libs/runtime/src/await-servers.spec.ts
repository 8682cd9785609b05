import { StartError } from '@lienthong/contracts';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { awaitServers } from './await-servers';
import { createLog } from './log';
import { BootError } from './process';

const away = () =>
  Promise.reject(Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }));

function recorded() {
  const said: string[] = [];
  const log = createLog(
    { name: 'test', level: 'info' },
    { write: (line) => void said.push((JSON.parse(line) as { event: string }).event) },
  );
  return { said, log };
}

const configOf = async (STARTUP_WAIT_SECONDS: number) => ({
  PORT: await freePort(),
  INTERNAL_PORT: await freePort(),
  HOST: '127.0.0.1',
  STARTUP_WAIT_SECONDS,
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('awaitServers', () => {
  it('waits for a server that starts later, says what it waits for, and gives the ports back', async () => {
    let looks = 0;
    const { said, log } = recorded();
    const config = await configOf(30);
    const servers = { database: async () => (++looks < 3 ? away() : undefined), storage: async () => undefined };
    await awaitServers({ name: 'test', servers, config, log });
    expect(looks).toBe(3);
    expect(said).toEqual(['waiting for the database', 'waiting for the database', 'database answers']);
    for (const port of [config.PORT, config.INTERNAL_PORT]) {
      const again = createServer().listen(port, '127.0.0.1');
      await once(again, 'listening');
      again.close();
    }
  });

  it('is alive but not ready meanwhile, on both ports, and tells clients to come back', async () => {
    let there = false;
    const config = await configOf(30);
    const servers = { database: async () => (there ? undefined : away()) };
    const { said, log } = recorded();
    const waiting = awaitServers({ name: 'test', servers, config, log });
    while (said.length === 0) await new Promise(setImmediate);
    for (const port of [config.PORT, config.INTERNAL_PORT]) {
      const get = async (path: string) => {
        for (;;) {
          const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
          if (answer) return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
        }
      };
      expect(await get('/healthz')).toMatchObject({ status: 200, json: { app: 'test' } });
      expect(await get('/readyz')).toEqual({
        status: 503,
        json: { status: 'not ready', checks: { database: 'ECONNREFUSED', start: 'waiting for servers' } },
      });
      expect(await get('/v1/limits')).toMatchObject({ status: 503, json: { code: 'unavailable' } });
    }
    there = true;
    await waiting;
  });

  it('gives up after the time in one sentence, without a password', async () => {
    const withPassword = () =>
      Promise.reject(Object.assign(new Error('no postgres://u:hidden@h/d'), { code: 'ETIMEDOUT' }));
    const waiting = awaitServers({
      name: 'test',
      servers: { database: withPassword },
      config: await configOf(0),
      log: recorded().log,
    });
    await expect(waiting).rejects.toThrow(BootError);
    await expect(waiting).rejects.toThrow(/^No use of the database within 0 s .*STARTUP_WAIT_SECONDS/);
    await expect(waiting).rejects.not.toThrow('hidden');
  });

  it('does not wait where its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const config = { ...(await configOf(30)), INTERNAL_PORT: port };
    const waiting = awaitServers({ name: 'test', servers: { database: away }, config, log: recorded().log });
    await expect(waiting).rejects.toThrow(`INTERNAL_PORT: port ${port} is in use`);
    taken.close();
  });

  it('ends at once with the sentence of a server that refuses the settings', async () => {
    const refused = () => Promise.reject(new StartError('PostgreSQL refuses DATABASE_URL.'));
    const { said, log } = recorded();
    const waiting = awaitServers({ name: 'test', servers: { database: refused }, config: await configOf(30), log });
    await expect(waiting).rejects.toThrow('PostgreSQL refuses DATABASE_URL.');
    expect(said).toEqual([]);
  });

  it('leaves to the start what it does not know', async () => {
    const strange = () => Promise.reject(new TypeError('strange'));
    const { said, log } = recorded();
    await awaitServers({ name: 'test', servers: { database: strange }, config: await configOf(30), log });
    expect(said).toEqual([]);
  });
});
