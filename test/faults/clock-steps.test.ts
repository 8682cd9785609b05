import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { verifyReceipts } from '@lienthong/signing';
import { eventually } from '../support/eventually';
import {
  accept,
  eventOf,
  inlineRequest,
  newFile,
  openSpace,
  packetIn,
  purged,
  put,
  sendInline,
  waiting,
} from '../support/exchange';
import { type Party, type Platform, startStandalone } from '../support/platform';
import { clockSettings } from './campaign/clock';

jest.setTimeout(120_000);

const HOUR = 3_600_000;
/** Between a moment of the platform and the test's own look at a right clock. */
const CLOSE_MS = 30_000;

/**
 * The wall clock of the platform's process is wrong, that of its database is right: the time of the database decides which signatures are of the
 * present and what is due, and is what evidence tells. Nothing ends early or late.
 */
describe.each([
  ['an hour ahead', HOUR],
  ['an hour back', -HOUR],
])('A process whose clock jumps %s', (_, shiftMs) => {
  const clock = join(tmpdir(), `lienthong-clock-${randomUUID()}`);
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startStandalone(clockSettings(clock));
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
    // A deadline of minutes, which an hour would swallow.
    await platform.admin.admin.policies.setOfSystem(source.systemId, { deliverBySeconds: 600 });
    const before = await wrongBy();
    writeFileSync(clock, String(shiftMs));
    await eventually(async () => Math.abs((await wrongBy()) - before - shiftMs) < CLOSE_MS);
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(clock, { force: true });
  });

  /** How far off the clock of the process seems to be by the addresses for uploads, the one thing that goes by it: milliseconds, with their lifetime. */
  const wrongBy = async () => {
    const { uploads } = await openSpace(source, destination);
    return Number(new URL(uploads[0].url).searchParams.get('expires')) * 1000 - Date.now();
  };

  /** @param created by a right clock unless told */
  const sentByHand = async (created = Math.floor(Date.now() / 1000)) => {
    const { status, json } = await platform.fetch<{ code?: string; serverTime?: string }>('/v1/packets', {
      method: 'POST',
      body: inlineRequest(destination),
      key: source.key,
      created,
    });
    return { status, ...json };
  };

  const close = (time: string | null | undefined, to = Date.now()) =>
    expect(Math.abs(Date.parse(time ?? '') - to)).toBeLessThan(CLOSE_MS);

  it('takes signatures of the present, and none of another time, whose nonces may be forgotten', async () => {
    expect(await sentByHand()).toMatchObject({ status: 201 });
    const other = await sentByHand(Math.floor((Date.now() + shiftMs) / 1000));
    expect(other).toMatchObject({ status: 401, code: 'clock_skew' });
    close(other.serverTime);
  });

  it('delivers by a deadline of minutes from now, and purges at once', async () => {
    const file = newFile();
    const { packetId, uploads } = await openSpace(source, destination, file);
    expect((await put(uploads[0], file.bytes)).status).toBe(200);
    await source.client.packets.complete(packetId);
    const { deliveryId, deliverBy } = await waiting(destination, packetId);
    close(deliverBy, Date.now() + 600_000);
    await accept(destination, deliveryId);
    const { purgedAt } = await purged(source, packetId);
    close(purgedAt);
  });

  it('tells nothing before deliverAfter, and tells it then', async () => {
    const deliverAfter = new Date(Date.now() + 5000).toISOString();
    const { packetId } = await sendInline(source, destination, { policy: { deliverAfter } });
    await packetIn(source, packetId, 'scheduled');
    const { time } = await eventOf(destination, packetId, 'packet.available');
    expect(Date.parse(time)).toBeGreaterThanOrEqual(Date.parse(deliverAfter));
    const { deliveryId } = await waiting(destination, packetId);
    await accept(destination, deliveryId);
  });

  it('signs receipts by the time of the database, which verify', async () => {
    const { packetId } = await sendInline(source, destination);
    const { deliveryId } = await waiting(destination, packetId);
    await accept(destination, deliveryId);
    await purged(source, packetId);
    const bundle = await source.client.packets.receipts(packetId);
    for (const { at } of bundle.receipts) close(at);
    const { problems } = await verifyReceipts(bundle, await platform.admin.jwks());
    expect(problems).toEqual([]);
  });

  it('goes on when the clock jumps back', async () => {
    const before = await wrongBy();
    rmSync(clock);
    await eventually(async () => Math.abs((await wrongBy()) - before + shiftMs) < CLOSE_MS);
    const { packetId } = await sendInline(source, destination);
    const { deliveryId } = await waiting(destination, packetId);
    await accept(destination, deliveryId);
    await purged(source, packetId);
  });
});
