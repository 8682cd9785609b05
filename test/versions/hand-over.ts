import { randomUUID } from 'node:crypto';
import type { AccessCheckAnswer, SessionAnswer } from '@lienthong/contracts';
import { type SigningKey, verifyReceipts } from '@lienthong/signing';
import {
  digest,
  download,
  newFile,
  openSpace,
  purged,
  put,
  receiveOne,
  sendInline,
  waiting,
} from '../support/exchange';
import type { Party, Platform } from '../support/platform';
import { RawStream } from '../support/raw-stream';
import { signedFetch } from '../support/signed-fetch';
import { verified, WebhookReceiver } from '../support/webhook-receiver';
import { replace, type Side, startAs, stop } from './instances';

const SOON = 60_000;

/**
 * What one version gives the other takes: sessions, day keys, tickets, tokens, webhooks, tasks, keys of requests, addresses, spaces, receipts. Of the giver only its
 * connector stays, begun anew so that it has to ask: every task of it is done by the taker's scheduler and notifier, every key is known by the taker's auth.
 */
export async function handOver(platform: Platform, giver: Side, taker: Side): Promise<void> {
  const parties = await Promise.all([platform.makeParty(), platform.makeParty()]);
  const at = (side: Side, party: Party): Party => ({
    ...party,
    client: platform.clientOf({ ...party.issued, baseUrl: side.baseUrl, session: false }),
  });
  const [source, destination] = parties;
  const given = parties.map((party) => at(giver, party));
  const taken = parties.map((party) => at(taker, party));
  const name = (app: string) => `${app}-${giver.instance}`;

  const receiver = await WebhookReceiver.start();
  const stream = await ticketStream(given[1], taker);
  const { secret } = await given[1].client.webhook.set({ url: receiver.url });
  const session = await sessionAt(giver, source, destination);
  const away = ['scheduler', 'notifier', 'auth'].map(name);
  for (const one of away) await stop(one);
  try {
    await replace(name('connector'), giver.version);
    await expectTaken(taker, session.key, 'a session');
    await expectTaken(giver, (await sessionAt(taker, source)).key, 'a session');
    await expectTaken(giver, source.key, 'an access key');
    const checked = await signedFetch<AccessCheckAnswer>(taker.baseUrl, '/v1/access-checks', {
      method: 'POST',
      body: { accessToken: session.accessToken },
      key: destination.key,
    });
    expect(checked.json).toMatchObject({ active: true, source: { systemId: source.systemId } });

    const idempotencyKey = randomUUID();
    const { packetId: inline } = await sendInline(given[0], destination, {}, idempotencyKey);
    const file = newFile();
    const { packetId, uploads } = await openSpace(given[0], destination, file);
    expect((await put(uploads[0], file.bytes)).status).toBe(200);
    await taken[0].client.packets.complete(packetId);
    for (const id of [inline, packetId]) {
      expect(verified(await receiver.answered(id, 'packet.available', SOON), secret)).toBeDefined();
      await stream.event(id, 'packet.available');
    }
    await receiveOne(taken[1], inline);

    const { deliveryId } = await waiting(taken[1], packetId);
    const { space } = await given[1].client.deliveries.ready(deliveryId);
    const { bytes } = await download(space.downloads[0]);
    expect(bytes.equals(file.bytes)).toBe(true);
    const confirmation = { outcome: 'accepted' as const, parts: [{ name: file.name, sha256: digest(bytes) }] };
    const first = await taken[1].client.deliveries.confirm(deliveryId, confirmation);
    const again = await given[1].client.deliveries.confirm(deliveryId, confirmation);
    expect(again.receipt).toBe(first.receipt);
    for (const id of [inline, packetId]) await purged(taken[0], id, { within: SOON });
    await expectSameReceipts([given[0], taken[0]], packetId, await taken[0].client.jwks());
  } finally {
    for (const one of away.toReversed()) await startAs(one, giver.version);
    await stream.close();
    await receiver.stop();
  }
  expect(await given[0].client.jwks()).toEqual(await taken[0].client.jwks());
}

/** A stream of the taker's, by a ticket of the giver's. */
async function ticketStream({ client }: Party, taker: Side): Promise<RawStream> {
  const { search } = new URL((await client.events.ticket()).url);
  const stream = await RawStream.at(`${taker.baseUrl.replace(/^http/, 'ws')}/v1/stream${search}`);
  expect(stream.hello).toMatchObject({ type: 'hello' });
  return stream;
}

async function sessionAt(
  side: Side,
  { key }: Party,
  destination?: Party,
): Promise<{ key: SigningKey; accessToken?: string }> {
  const { json } = await signedFetch<SessionAnswer>(side.baseUrl, '/v1/sessions', {
    method: 'POST',
    body: destination ? { destination: destination.systemId } : {},
    key,
  });
  const { sessionId, sessionKey, access } = json;
  return { key: { keyId: sessionId, alg: 'hmac-sha256', secret: sessionKey }, accessToken: access?.accessToken };
}

/** A request that this signs is answered by the connector of that side. */
async function expectTaken(side: Side, key: SigningKey, what: string): Promise<void> {
  const { status, text } = await signedFetch(side.baseUrl, '/v1/packets', { key });
  if (status !== 200) throw new Error(`${what} was answered ${status} by the ${side.version.name} version: ${text}`);
}

/** Both versions give the same receipts of a packet, and they verify. */
async function expectSameReceipts(sources: Party[], packetId: string, jwks: { keys: object[] }): Promise<void> {
  const [one, other] = await Promise.all(sources.map(({ client }) => client.packets.receipts(packetId)));
  expect(one.receipts).toEqual(other.receipts);
  const { problems } = await verifyReceipts(one, jwks);
  expect(problems).toEqual([]);
}
