import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { AccessCheckAnswer, AuditCheckpointItem, SessionAnswer } from '@lienthong/contracts';
import { verifyReceipts } from '@lienthong/signing';
import { decodeJwt } from 'jose';
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
import { FourApps } from '../support/four-apps';
import { type Party, type Platform, startStandalone } from '../support/platform';
import { verified, WebhookReceiver } from '../support/webhook-receiver';
import { clockSettings } from './campaign/clock';

jest.setTimeout(120_000);

/** Checkpoints soon, and the network of the test's own receiver. */
const SETTINGS = { AUDIT_SEAL_SECONDS: '1', WEBHOOK_ALLOW_HTTP: 'true', WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1/32' };
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
    platform = await startStandalone({ ...clockSettings(clock), ...SETTINGS });
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

  /** How far off the clock of the process is by what it writes in its log, the one thing that goes by it: milliseconds. */
  const wrongBy = async () => {
    await openSpace(source, destination);
    const [, time] = [...platform.standalone!.log().matchAll(/"time":"([^"]+)"/g)].at(-1)!;
    return Date.parse(time) - Date.now();
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
  /** @param seconds since 1970 */
  const closeSeconds = (seconds: unknown, to = Date.now()) =>
    expect(Math.abs(Number(seconds) * 1000 - to)).toBeLessThan(CLOSE_MS);

  it('takes signatures of the present, and none of another time, whose nonces may be forgotten', async () => {
    expect(await sentByHand()).toMatchObject({ status: 201 });
    const other = await sentByHand(Math.floor((Date.now() + shiftMs) / 1000));
    expect(other).toMatchObject({ status: 401, code: 'clock_skew' });
    close(other.serverTime);
  });

  it('is ready, and says by how much it is off', async () => {
    const answer = await fetch(`${platform.baseUrl}/readyz`);
    const { warnings } = (await answer.json()) as { warnings: { clock: string } };
    expect(answer.status).toBe(200);
    const [, seconds, way] = /^(\d+) s (ahead of|behind) the clock of the database/.exec(warnings.clock) ?? [];
    expect(Math.abs(Number(seconds) * 1000 - HOUR)).toBeLessThan(CLOSE_MS);
    expect(way).toBe(shiftMs > 0 ? 'ahead of' : 'behind');
  });

  it('delivers by a deadline of minutes from now, and purges at once', async () => {
    const file = newFile();
    const { packetId, uploads } = await openSpace(source, destination, file);
    closeSeconds(new URL(uploads[0].url).searchParams.get('expires'), Date.now() + HOUR);
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
    const { detail } = claimsOf(bundle.receipts.find(({ event }) => event === 'packet.purged')!.jws);
    for (const time of ['deletedAt', 'verifiedAbsentAt']) close(detail[time]);
    const { problems } = await verifyReceipts(bundle, await platform.admin.jwks());
    expect(problems).toEqual([]);
  });

  it('gives tokens that begin now and end after their time, and takes them', async () => {
    const { accessKey, secretKey } = await platform.admin.admin.keys.issue(source.systemId, {
      algorithms: ['hmac-sha256'],
      bearer: true,
    });
    const answer = await fetch(`${platform.baseUrl}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
      headers: { authorization: `Basic ${Buffer.from(`${accessKey}:${secretKey}`).toString('base64')}` },
    });
    const { access_token: token, expires_in: lifeSeconds } = (await answer.json()) as {
      access_token: string;
      expires_in: number;
    };
    const { iat, exp } = decodeJwt(token);
    closeSeconds(iat);
    expect(exp).toBe(Number(iat) + lifeSeconds);
    const headers = { authorization: `Bearer ${token}` };
    expect((await platform.fetch('/v1/packets', { headers })).status).toBe(200);
  });

  it('gives the right to call another system from now until the session ends, and tells that system that it stands', async () => {
    const { json } = await platform.fetch<SessionAnswer>('/v1/sessions', {
      method: 'POST',
      body: { destination: destination.systemId },
      key: source.key,
    });
    const { accessToken, expiresAt } = json.access!;
    closeSeconds(decodeJwt(accessToken).iat);
    close(expiresAt, Date.now() + HOUR);
    const { json: checked } = await platform.fetch<AccessCheckAnswer>('/v1/access-checks', {
      method: 'POST',
      body: { accessToken },
      key: destination.key,
    });
    expect(checked).toMatchObject({ active: true, source: { systemId: source.systemId } });
  });

  it('lets a key go on beside the one that replaces it for the time that was asked for', async () => {
    const { accessKey } = await platform.admin.admin.keys.issue(source.systemId, { algorithms: ['hmac-sha256'] });
    const { replaces } = await platform.admin.admin.keys.rotate(source.systemId, accessKey, { overlapSeconds: 600 });
    close(replaces.expiresAt, Date.now() + 600_000);
  });

  it('signs calls of webhooks by a time that receivers take', async () => {
    const receiver = await WebhookReceiver.start();
    const listening = await platform.makeParty();
    const { secret } = await listening.client.webhook.set({ url: receiver.url });
    const { packetId } = await sendInline(source, listening);
    await eventually(() => receiver.events.length > 0);
    for (const call of receiver.calls) expect(verified(call, secret)).toBeDefined();
    close(receiver.calls[0].event.time);
    const { deliveryId } = await waiting(listening, packetId);
    await accept(listening, deliveryId);
    await listening.client.webhook.remove();
    await receiver.stop();
  });

  it('signs checkpoints of the audit log by the time of the database', async () => {
    const newest = async () =>
      (await platform.admin.admin.audit.checkpoints({ limit: 1 }).next()).value as AuditCheckpointItem;
    const { size } = await newest();
    const { packetId } = await sendInline(source, destination);
    const { deliveryId } = await waiting(destination, packetId);
    await accept(destination, deliveryId);
    await eventually(async () => (await newest()).size > size);
    const { at, jws } = await newest();
    close(at);
    close(claimsOf(jws).at);
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

describe('Four processes whose clocks are two hours apart', () => {
  const clocks = mkdtempSync(join(tmpdir(), 'lienthong-clocks-'));
  const apps = new FourApps();
  let platform: Platform;

  const wrongBy = (ms: number) => {
    const file = join(clocks, String(ms));
    writeFileSync(file, String(ms));
    return clockSettings(file);
  };

  beforeAll(async () => {
    const [ahead, back] = [wrongBy(HOUR), wrongBy(-HOUR)];
    await apps.start({ auth: ahead, connector: back, scheduler: ahead, notifier: back });
    platform = apps.platform();
  });
  afterAll(async () => {
    await (platform ?? apps).stop();
    rmSync(clocks, { recursive: true });
  });

  it('believe each other, and take what another of them gave', async () => {
    const [source, destination] = [await platform.makeParty(), await platform.makeParty()];
    const receiver = await WebhookReceiver.start();
    const { secret } = await destination.client.webhook.set({ url: receiver.url });
    const file = newFile();
    const { packetId, uploads } = await openSpace(source, destination, file);
    expect((await put(uploads[0], file.bytes)).status).toBe(200);
    await source.client.packets.complete(packetId);
    expect(verified(await receiver.answered(packetId), secret)).toBeDefined();
    await accept(destination, (await waiting(destination, packetId)).deliveryId);
    await purged(source, packetId);
    const { problems } = await verifyReceipts(
      await source.client.packets.receipts(packetId),
      await platform.admin.jwks(),
    );
    expect(problems).toEqual([]);
    await receiver.stop();
  });

  it('know which of two deliveries to one system is the newer, though the older has the greater id', async () => {
    const [source, destination, other] = await Promise.all([1, 2, 3].map(() => platform.makeParty()));
    const { packetId } = await sendInline(source, [destination, other]);
    const { deliveryId: former } = await waiting(destination, packetId);
    await destination.client.deliveries.ready(former);
    await destination.client.deliveries.confirm(former, { outcome: 'rejected', parts: [], reasonCode: 'other' });
    // The other still waits: the connector plans the new round, the scheduler planned the first.
    expect(await source.client.packets.resend(packetId)).toMatchObject({ round: 2, state: 'scheduled' });
    const { deliveryId: newer } = await waiting(destination, packetId);
    expect(newer < former).toBe(true);
    await accept(destination, newer);
    await destination.client.packets.reportStatus(packetId, { code: '03' });
    const own = (await source.client.packets.get(packetId)).recipients.filter(
      ({ systemId }) => systemId === destination.systemId,
    );
    expect(own.map(({ deliveryId, state, statuses }) => [deliveryId, state, statuses.length])).toEqual([
      [former, 'rejected', 0],
      [newer, 'accepted', 1],
    ]);
  });
});

/** What a receipt or a checkpoint says. */
const claimsOf = (jws: string) => decodeJwt<{ at: string; detail: Record<string, string> }>(jws);
