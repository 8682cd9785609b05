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
 * The wall clock of the platform's process is wrong, that of its database is right. Signatures of clients whose clock is right are refused (and the
 * client library signs by the platform's time from then on); nothing ends early or late, and evidence tells the time of the database.
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
    await source.client.directory.page({ limit: 1 });
    writeFileSync(clock, String(shiftMs));
    await eventually(async () => (await sentByHand()).code === 'clock_skew');
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(clock, { force: true });
  });

  /** By the test's own clock, without the library's patience. */
  const sentByHand = async () => {
    const { status, json } = await platform.fetch<{ code?: string; serverTime?: string }>('/v1/packets', {
      method: 'POST',
      body: inlineRequest(destination),
      key: source.key,
    });
    return { status, ...json };
  };

  const close = (time: string | null | undefined, to = Date.now()) =>
    expect(Math.abs(Date.parse(time ?? '') - to)).toBeLessThan(CLOSE_MS);

  it('refuses a signature by the right time, and says its own', async () => {
    const { status, code, serverTime } = await sentByHand();
    expect({ status, code }).toEqual({ status: 401, code: 'clock_skew' });
    close(serverTime, Date.now() + shiftMs);
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
    rmSync(clock);
    await eventually(async () => (await sentByHand()).status === 201);
    const { packetId } = await sendInline(source, destination);
    const { deliveryId } = await waiting(destination, packetId);
    await accept(destination, deliveryId);
    await purged(source, packetId);
  });
});
