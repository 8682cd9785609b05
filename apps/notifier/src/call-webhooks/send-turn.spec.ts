import { LienThongError, type StreamEvent } from '@lienthong/contracts';
import type { WebhookFailure, WebhookTurn } from '@lienthong/persistence';
import type { WebhookOutcome } from '../calling/webhook-requests';
import { SendTurn } from './send-turn';

const TURN: WebhookTurn = {
  systemId: 'H01.14/qlvb',
  webhookId: 'w',
  lease: 'l',
  url: 'https://qlvb.example.vn/',
  events: null,
  state: 'verified',
  failures: 0,
  hopeless: false,
  sealed: Buffer.of(1),
  former: null,
  position: 0,
};
const WAITS = [5, 30];
const GOOD: WebhookOutcome = { ok: true };
const bad = (more: object = {}): WebhookOutcome => ({ ok: false, error: 'http_503', gone: false, ...more });

function stage(outcomes: WebhookOutcome[], types: StreamEvent['type'][] = ['packet.available', 'packet.purged']) {
  const events = types.map((type, index) => ({ id: `e${index + 1}`, type, offset: String(index + 1), data: {} }));
  const seen = {
    posted: [] as string[],
    failures: [] as WebhookFailure[],
    released: [] as number[][],
    acknowledgedElsewhere: 0,
    auth: true,
    noticed: { told: 0, failed: 0 },
  };
  const turns = {
    answered: async (_turn: WebhookTurn, { offset, type }: StreamEvent) => ({
      position: Math.max(Number(offset), seen.acknowledgedElsewhere),
      notified: type === 'packet.available' ? 1 : 0,
    }),
    failed: async (_turn: WebhookTurn, _event: StreamEvent, failure: WebhookFailure) => {
      seen.failures.push(failure);
      return true;
    },
    release: async (_turn: WebhookTurn, position: number, wait = 0) => void seen.released.push([position, wait]),
  };
  const source = {
    after: async (_systemId: string, after: number, limit: number) =>
      events.filter(({ offset }) => Number(offset) > after).slice(0, limit) as StreamEvent[],
  };
  const secrets = {
    open: async () => {
      if (!seen.auth) throw new LienThongError('unavailable', { what: 'auth', retryAfter: 5 });
      return 'whsec_AAAA';
    },
  };
  const post = async (_url: string, headers: Record<string, string>) => {
    seen.posted.push(headers['webhook-id']);
    return outcomes.shift() ?? GOOD;
  };
  const log = { info: () => undefined, warn: () => undefined };
  const send = new SendTurn(turns, source, secrets, { post }, { webhookRetrySeconds: WAITS }, log, Date);
  const run = (turn: Partial<WebhookTurn> = {}, stopping = new AbortController().signal) =>
    send.run({ ...TURN, ...turn }, stopping, {
      attempted: () => undefined,
      noticed: (outcome, count) => void (seen.noticed[outcome] += count),
    });
  return { run, seen };
}

describe('A turn of a webhook', () => {
  it('sends in order to the end, then lets go', async () => {
    const { run, seen } = stage([]);
    await run();
    expect(seen).toMatchObject({ posted: ['e1', 'e2'], released: [[2, 0]], failures: [] });
    expect(seen.noticed).toEqual({ told: 1, failed: 0 });
  });

  it('stops at the first event that is not answered, and waits longer with each failure', async () => {
    for (const [failures, wait] of [
      [0, 5],
      [1, 30],
      [7, 30],
    ]) {
      const { run, seen } = stage([bad()]);
      await run({ failures });
      expect(seen.posted).toEqual(['e1']);
      expect(seen.noticed).toEqual({ told: 0, failed: 1 });
      expect(seen.failures).toMatchObject([{ error: 'http_503', off: false, failingFrom: WAITS.length }]);
      expect(seen.failures[0].waitSeconds).toBeGreaterThanOrEqual(wait);
      expect(seen.failures[0].waitSeconds).toBeLessThanOrEqual(wait * 1.2);
    }
  });

  it('waits as long as the receiver asks for, an hour at most', async () => {
    const { run, seen } = stage([bad({ retryAfterSeconds: 900_000 })]);
    await run();
    expect(seen.failures[0].waitSeconds).toBeGreaterThanOrEqual(3600);
    expect(seen.failures[0].waitSeconds).toBeLessThanOrEqual(3600 * 1.2);
  });

  it('switches off what is gone, and what has failed for too long', async () => {
    const [gone, hopeless] = [stage([bad({ gone: true })]), stage([bad()])];
    await gone.run();
    await hopeless.run({ hopeless: true, failures: 90 });
    expect([gone.seen.failures[0].off, hopeless.seen.failures[0].off]).toEqual([true, true]);
  });

  it('passes over types that are not asked for, and what was acknowledged in another way', async () => {
    const types: StreamEvent['type'][] = ['packet.purged', 'packet.available', 'packet.available', 'packet.available'];
    const { run, seen } = stage([], types);
    seen.acknowledgedElsewhere = 3;
    await run({ events: ['packet.available'] });
    expect(seen.posted).toEqual(['e2', 'e4']);
  });

  it('blames nobody while auth does not tell the secret', async () => {
    const { run, seen } = stage([]);
    seen.auth = false;
    await run();
    expect(seen).toMatchObject({ posted: [], failures: [], released: [[0, 5]] });
  });

  it('begins no event once the process is to stop', async () => {
    const { run, seen } = stage([]);
    const stopping = new AbortController();
    stopping.abort();
    await run({}, stopping.signal);
    expect(seen).toMatchObject({ posted: [], released: [[0, 0]] });
  });
});
