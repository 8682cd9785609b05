import type { SetWebhook, StreamEvent } from '@lienthong/contracts';
import { eventually } from '../support/eventually';
import { deliveryId, eventsOf, packetIn, receiveOne, sendInline } from '../support/exchange';
import { onEmbedded, type Party, type Platform, startPlatform, startStandalone } from '../support/platform';
import { RawStream } from '../support/raw-stream';
import { verified, WebhookReceiver } from '../support/webhook-receiver';
import { itWhen } from '../support/when';

jest.setTimeout(120_000);

/** Short waits, and the network of the test's own receivers: as deploy/stack/settings.mjs has them. */
const SETTINGS = {
  WEBHOOK_ALLOW_HTTP: 'true',
  WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1/32',
  WEBHOOK_RETRY_SECONDS: '1,1,2',
};

describe('Webhooks', () => {
  const receivers: WebhookReceiver[] = [];
  let platform: Platform;
  let source: Party;

  beforeAll(async () => {
    platform = await (onEmbedded ? startStandalone(SETTINGS) : startPlatform());
    source = await platform.makeParty();
  });
  afterAll(async () => {
    await platform?.stop();
    await Promise.all(receivers.map((receiver) => receiver.stop()));
  });

  async function listening(events?: StreamEvent['type'][]) {
    const receiver = await WebhookReceiver.start();
    receivers.push(receiver);
    const party = await platform.makeParty();
    const set: SetWebhook = await party.client.webhook.set({ url: receiver.url, ...(events && { events }) });
    return { receiver, party, set };
  }
  const stateOf = async (packetId: string) => (await source.client.packets.get(packetId)).recipients[0]?.state;
  const timelineOf = async (packetId: string) => (await source.client.packets.get(packetId)).timeline;
  const actionsOf = async ({ systemId }: Party): Promise<string[]> =>
    (
      await platform.sql<{ action: string }>(
        "SELECT action FROM audit_entries WHERE subject = $1 AND action LIKE 'webhook.%' ORDER BY at, id",
        [systemId],
      )
    ).map(({ action }) => action);

  it('manage-webhook: are verified by a signed test event, and show their secret once', async () => {
    const { receiver, party, set } = await listening();
    expect(set).toMatchObject({ url: receiver.url, events: null, state: 'verified', offset: '0', failures: 0 });
    expect(set.secret).toMatch(/^whsec_/);
    expect(set.formerSecretUntil).toBeNull();
    const [test] = receiver.calls;
    expect(verified(test, set.secret)).toMatchObject({ type: 'webhook.verification', specversion: '1.0' });
    expect(test.headers['webhook-id']).toBe(test.event.id);
    const shown = await party.client.webhook.show();
    expect(shown).toMatchObject({ url: receiver.url, state: 'verified', lastError: null, nextAttemptAt: null });
    expect(JSON.stringify(shown)).not.toContain(set.secret);
    await party.client.webhook.remove();
    await expect(party.client.webhook.show()).rejects.toMatchObject({ code: 'not_found' });
    await expect(party.client.webhook.remove()).rejects.toMatchObject({ code: 'not_found' });
    expect(await actionsOf(party)).toEqual(['webhook.set', 'webhook.removed']);
  });

  it('manage-webhook: are not set when the test event is not answered 2xx, nor changed', async () => {
    const { receiver, party, set } = await listening();
    const other = await WebhookReceiver.start();
    receivers.push(other);
    for (const answer of [301, 404, 500, 400]) {
      other.answer = () => ({ status: answer, headers: { location: receiver.url } });
      await expect(party.client.webhook.set({ url: other.url })).rejects.toMatchObject({
        code: 'webhook_unverified',
        message: expect.stringContaining(`http_${answer}`),
      });
    }
    const { url } = other;
    await other.stop();
    await expect(party.client.webhook.set({ url })).rejects.toMatchObject({ code: 'webhook_unverified' });
    expect((await party.client.webhook.show()).verifiedAt).toBe(set.verifiedAt);
    expect(receiver.calls).toHaveLength(1);
  });

  it('manage-webhook: are set and removed with a session as with an access key', async () => {
    const { party, receiver } = await listening();
    const session = await party.client.sessions.open();
    const key = { keyId: session.sessionId, alg: 'hmac-sha256' as const, secret: session.sessionKey };
    const body = { url: receiver.url };
    expect(await platform.fetch('/v1/webhook', { method: 'PUT', key, body })).toMatchObject({ status: 200 });
    expect(await platform.fetch('/v1/webhook', { key })).toMatchObject({ status: 200 });
    expect(await platform.fetch('/v1/webhook', { method: 'DELETE', key })).toMatchObject({ status: 204 });
  });

  it('call-webhooks: bring every event in order, signed, with the stream’s own text; 2xx acknowledges, and the timeline says so', async () => {
    const { receiver, party, set } = await listening();
    const sent: string[] = [];
    for (let n = 0; n < 5; n += 1) sent.push((await sendInline(source, party)).packetId);
    await receiver.answered(sent[4]);
    await eventually(async () => (await stateOf(sent[4])) === 'notified');
    const events = receiver.events.map(({ event }) => event);
    expect(events).toEqual((await eventsOf(party)).slice(0, events.length));
    for (const call of receiver.events) {
      expect(verified(call, set.secret)).toEqual(call.event);
      expect(call.headers['webhook-id']).toBe(call.event.id);
    }
    const told = (await timelineOf(sent[0])).find(({ event }) => event === 'delivery.notified');
    expect(told).toMatchObject({ detail: { channel: 'webhook' } });
    expect(told?.sentence.vi).toContain('qua webhook');
    expect(await source.client.directory.get(party.systemId)).toMatchObject({ online: true });
    const view = await party.client.webhook.show();
    expect(view).toMatchObject({ state: 'verified', answeredAt: expect.any(String) });
    await receiveOne(party, sent[0]);
    await receiver.answered(sent[0], 'packet.purged');
  });

  it('watch-connections: polls and answered webhooks are counted per system, and the last error is shown', async () => {
    const { receiver, party } = await listening();
    await receiver.answered((await sendInline(source, party)).packetId);
    for (let n = 0; n < 3; n += 1) await party.client.events.poll({ after: '0' });
    const counted = await eventually(
      async () => {
        const { contacts } = await source.client.directory.get(party.systemId);
        return contacts && contacts.polls >= 3 && contacts;
      },
      { within: 30_000 },
    );
    expect(counted).toEqual({ polls: 3, webhooks: 1 });
    receiver.answer = () => 500;
    await sendInline(source, party);
    const contact = await eventually(async () => {
      const { value } = await platform.admin.admin.contacts({ systemId: party.systemId }).next();
      return value?.webhook?.lastError && value;
    });
    expect(contact).toMatchObject({
      systemId: party.systemId,
      online: true,
      polls: 3,
      webhooks: 1,
      polledAt: expect.any(String),
      webhook: { host: `127.0.0.1:${receiver.port}`, lastError: 'http_500', answeredAt: expect.any(String) },
    });
  });

  it('call-webhooks: come again until they are answered, none before the one that failed, and are `failing` until then', async () => {
    const { receiver, party } = await listening();
    receiver.answer = () => 503;
    const first = (await sendInline(source, party)).packetId;
    const second = (await sendInline(source, party)).packetId;
    const failing = await eventually(async () => {
      const view = await party.client.webhook.show();
      return view.state === 'failing' && view;
    });
    expect(failing).toMatchObject({ lastError: 'http_503', lastErrorAt: expect.any(String), failures: 3 });
    expect(failing.nextAttemptAt).not.toBeNull();
    expect(await stateOf(first)).toBe('pending');
    expect(new Set(receiver.events.map(({ event }) => event.subject))).toEqual(new Set([first]));
    expect(new Set(receiver.events.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    receiver.answer = () => 200;
    await receiver.answered(second);
    await eventually(async () => (await party.client.webhook.show()).state === 'verified');
    await eventually(async () => (await stateOf(second)) === 'notified');
    expect(await actionsOf(party)).toEqual(['webhook.set', 'webhook.failing', 'webhook.recovered']);
    const failures = (await timelineOf(first)).filter(({ event }) => event === 'delivery.webhookFailed');
    expect(failures).toMatchObject([{ detail: { error: 'http_503' } }]);
    expect(failures[0].sentence.vi).toContain('qua webhook (http_503)');
  });

  it('call-webhooks: wait as long as Retry-After says', async () => {
    const { receiver, party } = await listening();
    receiver.answer = () => ({ status: 429, headers: { 'retry-after': '600' } });
    await sendInline(source, party);
    const view = await eventually(async () => {
      const seen = await party.client.webhook.show();
      return seen.nextAttemptAt !== null && seen;
    });
    const wait = (Date.parse(view.nextAttemptAt!) - Date.parse(view.lastErrorAt!)) / 1000;
    expect(wait).toBeGreaterThanOrEqual(600);
    expect(wait).toBeLessThan(600 * 1.3);
  });

  it('call-webhooks: are off after 410 until they are set again, and lose nothing by it', async () => {
    const { receiver, party } = await listening();
    receiver.answer = () => 410;
    const { packetId } = await sendInline(source, party);
    await eventually(async () => (await party.client.webhook.show()).state === 'off');
    expect(await party.client.webhook.show()).toMatchObject({ lastError: 'http_410', nextAttemptAt: null });
    expect(await actionsOf(party)).toEqual(['webhook.set', 'webhook.off']);
    receiver.answer = () => 200;
    await party.client.webhook.set({ url: receiver.url });
    await receiver.answered(packetId);
  });

  it('call-webhooks: skip what was acknowledged on the stream or by poll meanwhile', async () => {
    const { receiver, party } = await listening();
    receiver.answer = () => 500;
    const sent: string[] = [];
    for (let n = 0; n < 3; n += 1) sent.push((await sendInline(source, party)).packetId);
    await eventually(() => receiver.events.length > 0);
    const stream = await RawStream.of(platform.baseUrl, party);
    const { offset } = await stream.event(sent[1], 'packet.available');
    stream.ack(offset);
    await eventually(async () => (await stateOf(sent[1])) === 'notified');
    await stream.close();
    receiver.answer = () => 200;
    await receiver.answered(sent[2]);
    expect(receiver.events.filter(({ status }) => status === 200).map(({ event }) => event.subject)).toEqual([sent[2]]);
  });

  it('call-webhooks: bring only the types asked for, and acknowledge nothing else', async () => {
    const { receiver, party } = await listening(['packet.purged']);
    const { packetId } = await sendInline(source, party);
    const delivery = await deliveryId(source, packetId, party);
    expect(await stateOf(packetId)).toBe('pending');
    await party.client.deliveries.ready(delivery);
    await party.client.deliveries.confirm(delivery, { outcome: 'rejected', parts: [], reasonCode: 'wrong_addressee' });
    await packetIn(source, packetId, 'completed');
    await receiver.answered(packetId, 'packet.purged');
    expect(receiver.events.map(({ event }) => event.type)).toEqual(['packet.purged']);
    const stream = await RawStream.of(platform.baseUrl, party);
    expect(stream.hello.resumedFrom).toBe('0');
    await stream.close();
  });

  it('manage-webhook: exchange the secret of the same address without a stop: both sign for a day', async () => {
    const { receiver, party, set } = await listening();
    const again = await party.client.webhook.set({ url: receiver.url });
    expect(again.secret).not.toBe(set.secret);
    expect(Date.parse(again.formerSecretUntil!) - Date.now()).toBeGreaterThan(86_000_000);
    const { packetId } = await sendInline(source, party);
    const call = await receiver.answered(packetId);
    for (const { secret } of [set, again]) expect(verified(call, secret)).toMatchObject({ subject: packetId });
    await platform.sql('UPDATE webhooks SET former_until = now() WHERE system_id = $1', [party.systemId]);
    const later = await receiver.answered((await sendInline(source, party)).packetId);
    expect(() => verified(later, set.secret)).toThrow();
    expect(verified(later, again.secret)).toEqual(later.event);
  });

  it('call-webhooks: twenty receivers that never answer do not delay another, the first time nor when they are tried again', async () => {
    const slow = await Promise.all(Array.from({ length: 20 }, () => listening()));
    const other = await listening();
    for (const { receiver } of slow) receiver.answer = () => 'never';
    for (const { party } of slow) await sendInline(source, party);
    for (const attempts of [1, 2]) {
      await eventually(() => slow.filter(({ receiver }) => receiver.events.length >= attempts).length >= 16);
      const { packetId } = await sendInline(source, other.party);
      await packetIn(source, packetId, 'scheduled');
      await other.receiver.answered(packetId, 'packet.available', 2000);
    }
    expect((await slow[0].party.client.webhook.show()).lastError).toBe('timeout');
    for (const { party } of slow) await party.client.webhook.remove();
  });

  const alone = itWhen(onEmbedded, 'other tests use the same processes; see test/faults/webhook-instances');
  alone('call-webhooks: lose nothing when the platform is killed during a retry', async () => {
    const { receiver, party } = await listening();
    receiver.answer = () => 500;
    const sent: string[] = [];
    for (let n = 0; n < 3; n += 1) sent.push((await sendInline(source, party)).packetId);
    receiver.answer = ({ subject }) => (subject === sent[0] ? 'never' : 500);
    const before = receiver.events.length;
    await eventually(() => receiver.events.length > before);
    await platform.kill9();
    receiver.answer = () => 200;
    await platform.start();
    await receiver.answered(sent[2], 'packet.available', 60_000);
    const answered = receiver.events.filter(({ status }) => status === 200).map(({ event }) => event.subject);
    expect(answered).toEqual(sent);
    for (const packetId of sent) await eventually(async () => (await stateOf(packetId)) === 'notified');
  });
});
