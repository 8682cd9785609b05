import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { accept, deliveryId, purged, sendInline } from '../support/exchange';
import { type Platform, startStandalone } from '../support/platform';
import { itWhen } from '../support/when';

jest.setTimeout(120_000);

const immutable = (folder: string, flag: '+i' | '-i') =>
  spawnSync('chattr', [flag, folder], { timeout: 5000 }).status === 0;

/** Whether this machine can make a folder that even its owner cannot empty. */
function canHold(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-held-'));
  const can = immutable(folder, '+i') && immutable(folder, '-i');
  rmSync(folder, { recursive: true });
  return can;
}

describe('A store that would not delete', () => {
  let platform: Platform | undefined;
  let held: string | undefined;
  afterEach(async () => {
    if (held) immutable(held, '-i');
    await platform?.stop();
  });

  itWhen(canHold(), 'chattr +i cannot be set here (it takes root)')(
    'blocks the purge, which is told once and never recorded, until what holds the content is ended',
    async () => {
      platform = await startStandalone({ SWEEP_QUIET_SECONDS: '1', BACKUP_HORIZON_DAYS: '7' });
      const [source, destination] = [await platform.makeParty(), await platform.makeParty()];
      const { packetId } = await sendInline(source, destination);
      const delivery = await deliveryId(source, packetId, destination);
      held = join(platform.standalone!.folder, 'content/packets', packetId);
      expect(immutable(held, '+i')).toBe(true);
      await accept(destination, delivery);
      const blockings = async () =>
        (await source.client.packets.get(packetId)).timeline.filter(({ event }) => event === 'packet.purgeBlocked');
      await eventually(async () => (await blockings()).length > 0);
      expect((await blockings())[0]).toMatchObject({
        detail: { left: 1, why: expect.stringMatching(/^E[A-Z]+$/) },
        sentence: { vi: expect.stringContaining('từ chối xóa') },
      });
      const metrics = async () => (await fetch(`${platform!.baseUrl}/metrics`)).text();
      expect(await metrics()).toMatch(/^lienthong_purge_blocked_packets 1$/m);
      // Tried again by the sweeper meanwhile: the row says when.
      const tried = async () =>
        (
          await platform!.sql<{ driven: Date }>('SELECT driven_at AS driven FROM packets WHERE id = $1', [packetId])
        )[0].driven.getTime();
      const before = await tried();
      await eventually(async () => (await tried()) > before + 1000, { within: 20_000 });
      expect(await blockings()).toHaveLength(1);
      expect((await source.client.packets.get(packetId)).purgedAt).toBeNull();

      expect(immutable(held, '-i')).toBe(true);
      await purged(source, packetId, { within: 20_000 });
      expect(await metrics()).toMatch(/^lienthong_purge_blocked_packets 0$/m);
      const { receipts } = await source.client.packets.receipts(packetId);
      const { detail } = JSON.parse(Buffer.from(receipts.at(-1)!.jws.split('.')[1], 'base64url').toString()) as {
        detail: Record<string, string>;
      };
      expect(Date.parse(detail.backupHorizon) - Date.parse(detail.deletedAt)).toBe(7 * 86_400_000);
      expect(detail.statement).toMatchObject({ en: expect.stringContaining(detail.backupHorizon) });
    },
  );
});
