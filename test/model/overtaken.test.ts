import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { eventually } from '../support/eventually';
import { accept, deliveryId, newFile, openSpace, packetIn, put, sendPut } from '../support/exchange';
import { type Party, type Platform, startStandalone } from '../support/platform';

jest.setTimeout(120_000);

/**
 * What the model found (`protocol`): work of a round that goes on when the packet has been sent again. No client can hold a step still for so
 * long, so the packet's row is held here, and brought by SQL to where the others would have brought it meanwhile.
 */
describe('A step that is overtaken by the next round of its packet', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;
  let held: Client;

  beforeAll(async () => {
    platform = await startStandalone({ SWEEP_QUIET_SECONDS: '1' });
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
    held = new Client({ connectionString: platform.databaseUrl() });
    await held.connect();
  });
  afterAll(async () => {
    await held?.end();
    await platform?.stop();
  });

  /** Somebody waits for a row that is held here. */
  const somebodyWaits = () =>
    eventually(async () => {
      const [{ n }] = await platform.sql<{ n: string }>(
        `SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return n !== '0';
    });

  it('complete-upload: takes over nothing of a round whose content it has not seen', async () => {
    const { packetId, uploads, files } = await openSpace(source, destination, newFile(1000));
    expect((await put(uploads[0], files[0].bytes)).status).toBe(200);
    await held.query('BEGIN');
    await held.query('SELECT 1 FROM packets WHERE id = $1 FOR UPDATE', [packetId]);
    const completing = source.client.packets.complete(packetId);
    await somebodyWaits();
    await held.query('UPDATE packets SET round = 2 WHERE id = $1', [packetId]);
    await held.query('COMMIT');
    expect(await completing).toEqual({ packetId, state: 'open' });
    expect(await source.client.packets.complete(packetId)).toMatchObject({ state: 'received' });
  });

  it('purge-content: never says of a later round that its content is gone', async () => {
    const { packetId } = await sendPut(source, destination, newFile(1000), {
      policy: { keepAfterConfirmSeconds: 3600 },
    });
    await accept(destination, await deliveryId(source, packetId, destination));
    await packetIn(source, packetId, 'completed');
    const folder = join(platform.standalone!.folder, 'content', 'packets', packetId);
    expect(existsSync(folder)).toBe(true);
    await platform.sql(`UPDATE packets SET purge_after = now() - interval '1 min' WHERE id = $1`, [packetId]);
    // A purge reads without holding; its record will wait.
    await held.query('BEGIN');
    await held.query('SELECT 1 FROM packets WHERE id = $1 FOR UPDATE', [packetId]);
    await platform.sql(
      `INSERT INTO outbox (id, kind, packet_id, priority, attempt, available_at) VALUES (gen_random_uuid(), 'purge-content', $1, 0, 1, now())`,
      [packetId],
    );
    await eventually(() => !existsSync(folder));
    await somebodyWaits();
    mkdirSync(folder);
    writeFileSync(join(folder, '0-content-of-the-next-round'), 'nội dung');
    await held.query(`UPDATE packets SET round = 2, receipt_hash = 'of another' WHERE id = $1`, [packetId]);
    await held.query('COMMIT');
    await eventually(
      async () => {
        const [{ purged }] = await platform.sql<{ purged: boolean }>(
          'SELECT purged_at IS NOT NULL AS purged FROM packets WHERE id = $1',
          [packetId],
        );
        if (purged) expect(existsSync(folder)).toBe(false);
        return purged;
      },
      { within: 40_000 },
    );
    expect(existsSync(folder)).toBe(false);
  });
});
