import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '@lienthong/persistence';
import { Client } from 'pg';

describe('The embedded PostgreSQL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-embedded-'));
  const servers: EmbeddedPostgres[] = [];
  const server = (): EmbeddedPostgres => {
    const made = new EmbeddedPostgres(folder);
    servers.push(made);
    return made;
  };

  afterAll(async () => {
    for (const made of servers) await made.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes over a server that another process was just starting in its folder', async () => {
    const first = server();
    await first.start();
    await first.stop();
    // Both look before either server has written its number into the folder: one of the two servers must end.
    const urls = await Promise.all([server().start(), server().start()]);
    expect(urls[0]).toBe(urls[1]);
    const client = new Client({ connectionString: urls[0] });
    await client.connect();
    const { rows } = await client.query('SELECT current_database() AS name');
    await client.end();
    expect(rows).toEqual([{ name: 'lienthong' }]);
  }, 120_000);
});
