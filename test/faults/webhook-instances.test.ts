import type { SetWebhook } from '@lienthong/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { sendInline } from '../support/exchange';
import { onRealStack, type Party, type Platform, stackControl, startPlatform } from '../support/platform';
import { verified, WebhookReceiver } from '../support/webhook-receiver';
import { itWhen } from '../support/when';

jest.setTimeout(240_000);

const onTwo = itWhen(onRealStack, 'two instances run on the real stack only');
const WEBHOOKS = 6;
const ROUND = 5;
/** What was being called by a process that died waits for its lease, 20 s. */
const AFTER_A_KILL = { within: 60_000 };

interface Listener {
  party: Party;
  receiver: WebhookReceiver;
  secret: string;
  sent: string[];
}

/** Every instance hears of every event; who calls is decided in the database. */
describe('Webhooks with two notifiers', () => {
  let platform: Platform;
  let source: Party;
  let listeners: Listener[] = [];

  beforeAll(async () => {
    if (!onRealStack) return;
    platform = await startPlatform();
    source = await platform.makeParty();
    listeners = await Promise.all(
      Array.from({ length: WEBHOOKS }, async () => {
        const [party, receiver] = [await platform.makeParty(), await WebhookReceiver.start()];
        const { secret }: SetWebhook = await party.client.webhook.set({ url: receiver.url });
        return { party, receiver, secret, sent: [] };
      }),
    );
  });
  afterAll(async () => {
    if (listeners.length === 0) return;
    await stackControl('start-app', 'notifier-1');
    for (const { party } of listeners) await party.client.webhook.remove();
    await Promise.all(listeners.map(({ receiver }) => receiver.stop()));
    await platform?.stop();
  });

  /** A round of packets to every listener. */
  const sendRound = async (): Promise<void> => {
    for (let n = 0; n < ROUND; n += 1)
      await Promise.all(
        listeners.map(async ({ party, sent }) => sent.push((await sendInline(source, party)).packetId)),
      );
  };
  const allAnswered = (patience = {}) =>
    eventually(async () => {
      const views = await Promise.all(listeners.map(({ party }) => party.client.webhook.show()));
      return views.every(({ offset }, n) => Number(offset) === listeners[n].sent.length);
    }, patience);
  const allSigned = () => {
    for (const { receiver, secret } of listeners)
      for (const call of receiver.events) {
        expect(verified(call, secret)).toEqual(call.event);
        expect(call.headers['webhook-id']).toBe(call.event.id);
      }
  };
  const allNotified = async () => {
    for (const { sent } of listeners)
      for (const packetId of sent)
        await eventually(async () => (await source.client.packets.get(packetId)).recipients[0].state === 'notified');
  };
  /** As each instance counts. */
  async function metricOf(name: string): Promise<number[]> {
    const urls = await stackControl<string[]>('internal-urls', 'notifier');
    const texts = await Promise.all(urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    return texts.map((text) => {
      const line = text.split('\n').find((one) => one.startsWith(`${name} `));
      return Number(line?.slice(name.length) ?? 0);
    });
  }
  const answered = () => metricOf('lienthong_webhook_attempts_total{outcome="answered"}');

  /** Nobody is answered until it is released, and then everybody is. */
  function holdAnswers(): { release: () => void } {
    const gate = new AbortController();
    const released = new Promise<void>((resolve) => gate.signal.addEventListener('abort', () => resolve()));
    for (const { receiver } of listeners) receiver.answer = () => released.then(() => 204);
    return { release: () => gate.abort() };
  }

  onTwo('are called once for each event, in order, while both instances work', async () => {
    const before = await answered();
    // Slow enough for the other instance to hear of the next event meanwhile.
    for (const { receiver } of listeners) receiver.answer = () => sleep(30, 204);
    const calls = await eventually(
      async () => {
        await sendRound();
        await allAnswered();
        const made = (await answered()).map((count, n) => count - before[n]);
        return made.every((count) => count > 0) && made;
      },
      { within: 120_000 },
    );
    console.info(`webhooks: ${calls.join(' and ')} calls by the two instances, ${WEBHOOKS} webhooks`);
    for (const { receiver, sent } of listeners)
      expect(receiver.events.map(({ event }) => event.subject).toSorted()).toEqual(sent.toSorted());
    for (const { receiver } of listeners) {
      const offsets = receiver.events.map(({ event }) => Number(event.offset));
      expect(offsets).toEqual(offsets.map((_, n) => n + 1));
    }
    expect(calls[0] + calls[1]).toBe(listeners.reduce((sum, { sent }) => sum + sent.length, 0));
    allSigned();
  });

  onTwo('go on at once with the other instance when one is killed (kill -9) between events', async () => {
    await allAnswered();
    const before = listeners.map(({ receiver }) => receiver.events.length);
    await stackControl('kill-app', 'notifier-1');
    const killedAt = performance.now();
    await sendRound();
    // Shorter than the lease: nobody waits for the dead one.
    await allAnswered({ within: 15_000 });
    console.info(`webhooks: all called ${Math.round(performance.now() - killedAt)} ms after one instance was killed`);
    listeners.forEach(({ receiver, sent }, n) => {
      expect(receiver.events.length - before[n]).toBe(ROUND);
      expect(
        receiver.events
          .slice(-ROUND)
          .map(({ event }) => event.subject)
          .toSorted(),
      ).toEqual(sent.slice(-ROUND).toSorted());
    });
    await stackControl('start-app', 'notifier-1');
    allSigned();
  });

  onTwo(
    'get every event at least once, in order, when an instance is killed (kill -9) in the middle of calls',
    async () => {
      await allAnswered();
      const calling = await eventually(async () => {
        const hold = holdAnswers();
        const before = listeners.map(({ receiver }) => receiver.requests);
        await sendRound();
        await eventually(() => listeners.every(({ receiver }, n) => receiver.requests > before[n]));
        const [first] = await metricOf('lienthong_webhooks_calling');
        if (first > 0) return { first, ...hold };
        hold.release();
        await allAnswered();
        return undefined;
      }, AFTER_A_KILL);
      await stackControl('kill-app', 'notifier-1');
      calling.release();
      await allAnswered(AFTER_A_KILL);
      for (const { receiver, sent } of listeners) {
        const offsets = receiver.events.map(({ event }) => Number(event.offset));
        expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
        expect([...new Set(receiver.events.map(({ event }) => event.subject))].toSorted()).toEqual(sent.toSorted());
      }
      const twice = listeners.reduce((sum, { receiver, sent }) => sum + receiver.events.length - sent.length, 0);
      console.info(`webhooks: ${twice} events came twice, of ${WEBHOOKS} calls under way at the kill of one instance`);
      expect(twice).toBe(calling.first);
      allSigned();
      await stackControl('start-app', 'notifier-1');
      await allNotified();
    },
  );
});
