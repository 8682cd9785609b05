import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { accept, deliveryId, inlinePart, newFile, packetIn, purged, sendInline, waiting } from '../support/exchange';
import { type Party, type Platform, startStandalone } from '../support/platform';

jest.setTimeout(300_000);

/** Packets of each kind. */
const EACH = 10;

/**
 * P23, S25: the database comes back as it was some time ago, the store as it is now. What was deleted meanwhile must not become available, and what was
 * evidence must stay what it was.
 */
describe('A database that is restored from a backup', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startStandalone();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  const postgres = () => join(platform.standalone!.folder, 'postgres');
  const backup = () => join(platform.standalone!.folder, 'postgres-backup');
  // Owner and rights too: PostgreSQL runs as another user where the platform runs as root.
  const copy = (from: string, to: string) => execFileSync('cp', ['-a', from, to]);
  const each = <T>(work: (n: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: EACH }, (_, n) => work(n)));
  const send = () => each(async () => (await sendInline(source, destination)).packetId);
  const take = (packets: string[]) =>
    Promise.all(
      packets.map(async (packetId) => {
        await accept(destination, await deliveryId(source, packetId, destination));
        await purged(source, packetId);
      }),
    );
  const receiptsOf = (packets: string[]) =>
    Promise.all(packets.map((packetId) => source.client.packets.receipts(packetId)));

  it('offers nothing that was deleted meanwhile, keeps its receipts, and takes new packets', async () => {
    const finished = await send();
    await take(finished);
    const receipts = await receiptsOf(finished);
    const taken = await send();
    for (const packetId of taken) await packetIn(source, packetId, 'scheduled');
    await platform.standalone!.terminate();
    copy(postgres(), backup());
    await platform.start();

    await take(taken);
    const parts = Array.from({ length: EACH }, () => [inlinePart(newFile(300, 'phieu.txt'))]);
    const sendKeyed = () =>
      each(async (n) => (await sendInline(source, destination, { parts: parts[n] }, `restore-${n}`)).packetId);
    const forgotten = await sendKeyed();
    await take(forgotten);
    await platform.standalone!.terminate();
    rmSync(postgres(), { recursive: true });
    copy(backup(), postgres());
    await platform.start();

    expect(await receiptsOf(finished)).toEqual(receipts);
    let resurrected = 0;
    for (const packetId of taken) {
      const item = await waiting(destination, packetId);
      const ready = () => destination.client.deliveries.ready(item.deliveryId);
      // Right after the analysis the store is asked only of who asks again.
      for (const { url, headers } of (await ready().catch(() => undefined))?.space.downloads ?? [])
        if ((await fetch(url, { headers })).ok) resurrected += 1;
      await expect(ready()).rejects.toMatchObject({ code: expect.stringMatching(/^(content_lost|wrong_state)$/) });
      const { recipients } = await packetIn(source, packetId, 'completed');
      expect(recipients[0]).toMatchObject({ state: 'undeliverable', reasonCode: 'content_lost' });
    }
    expect(resurrected).toBe(0);
    for (const packetId of forgotten)
      await expect(source.client.packets.get(packetId)).rejects.toMatchObject({ code: 'not_found' });
    // The source has its 202 and asks again with the key that it used: the packet is delivered (again), not refused.
    const again = await sendKeyed();
    await take(again);
    console.info(
      `restore: ${finished.length} finished packets with the same receipts, ${taken.length} whose content was deleted since: ${resurrected} served, all reported; ${again.length} forgotten ones sent again`,
    );
  });
});
