import { LADDER_COUNTER } from '@lienthong/contracts';
import { StreamListener, type WebhookTurn, WebhookTurnStore } from '@lienthong/persistence';
import { every, Log, Metrics, type Repeating } from '@lienthong/runtime';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Counter, Gauge, Histogram } from 'prom-client';
import { randomUUID } from 'node:crypto';
import { WebhookRequests } from '../calling/webhook-requests';
import { SendTurn, type TurnReports } from './send-turn';

/** A wake-up that was lost is made good within this, and what is tried again comes at most so much later: one statement for all webhooks. */
const LOOK_MS = 2000;
/** Until a webhook that was set at another instance is listened for here too. */
const SYSTEMS_MS = 10_000;
/** Webhooks that one process calls at a time: those whose last attempt failed have places of their own, so that the others never wait for them. */
const PLACES = { answering: 48, failing: 16 };
/** Then a webhook that only fails is switched off. */
const HOPELESS_SECONDS = 7 * 86_400;

/** `call-webhooks`: gives turns to webhooks that have something to be sent, over all instances one at a time each. */
@Injectable()
export class CallWebhooksTimer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private readonly running = new Map<string, { failing: boolean; done: Promise<void> }>();
  private readonly listening = new Map<string, () => void>();
  /** Systems that may have new events and are not looked at yet. */
  private readonly woken = new Set<string>();
  private readonly attempts: Counter<'outcome'>;
  private readonly seconds: Histogram;
  private readonly reports: TurnReports;
  private taking?: Promise<void>;
  private timers: Repeating[] = [];

  constructor(
    private readonly turns: WebhookTurnStore,
    private readonly listener: StreamListener,
    private readonly sendTurn: SendTurn,
    @Inject(WebhookRequests) private readonly requests: WebhookRequests,
    private readonly log: Log,
    metrics: Metrics,
  ) {
    this.attempts = new Counter({
      name: 'lienthong_webhook_attempts_total',
      help: 'Calls of webhooks by outcome: answered, or the error',
      labelNames: ['outcome'],
      registers: [metrics],
    });
    this.seconds = new Histogram({
      name: 'lienthong_webhook_seconds',
      help: 'How long webhooks took to answer, or to fail',
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10],
      registers: [metrics],
    });
    this.reports = {
      attempted: (outcome, seconds) => {
        this.attempts.inc({ outcome: outcome.ok ? 'answered' : outcome.error });
        this.seconds.observe(seconds);
      },
      noticed: metrics.tally(LADDER_COUNTER, 'webhook', ['told', 'failed']),
    };
    const { running } = this;
    metrics.registerMetric(
      new Gauge({
        name: 'lienthong_webhooks_calling',
        help: 'Webhooks that are being called by this instance',
        registers: [],
        collect() {
          this.set(running.size);
        },
      }),
    );
  }

  onApplicationBootstrap(): void {
    this.timers = [
      every('call-webhooks', LOOK_MS, () => this.look(), { log: this.log }),
      every('listen-for-webhooks', SYSTEMS_MS, () => this.listen(), { log: this.log }),
    ];
    this.listen().catch((error: unknown) => this.log.warn({ err: error }, 'listen-for-webhooks failed'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    for (const silence of this.listening.values()) silence();
    await Promise.all(this.timers.map((timer) => timer.stop()));
    await this.taking;
    await Promise.all([...this.running.values()].map(({ done }) => done));
    this.requests.close();
  }

  /** A webhook was set here: it is listened for, and called at once. */
  watch(systemId: string): void {
    if (!this.listening.has(systemId))
      this.listening.set(
        systemId,
        this.listener.subscribe(systemId, () => this.wake(systemId)),
      );
    this.wake(systemId);
  }

  private async listen(): Promise<void> {
    const systems = new Set(await this.turns.systems());
    for (const systemId of systems) if (!this.listening.has(systemId)) this.watch(systemId);
    for (const [systemId, silence] of this.listening)
      if (!systems.has(systemId)) {
        silence();
        this.listening.delete(systemId);
      }
  }

  private wake(systemId: string): void {
    this.woken.add(systemId);
    this.taking ??= this.takeWoken().finally(() => (this.taking = undefined));
  }

  /** What came while the statement ran goes with the next one; what is being sent is looked at again when that turn is over. */
  private async takeWoken(): Promise<void> {
    for (;;) {
      const among = [...this.woken].filter((systemId) => !this.running.has(systemId));
      if (among.length === 0 || this.stopping.signal.aborted) return;
      for (const systemId of among) this.woken.delete(systemId);
      await this.take(among, 'answering').catch((error: unknown) =>
        this.log.warn({ err: error }, 'call-webhooks failed'),
      );
    }
  }

  private async look(): Promise<void> {
    await this.take(null, 'answering');
    await this.take(null, 'failing');
  }

  private async take(among: string[] | null, which: keyof typeof PLACES): Promise<void> {
    const failing = which === 'failing';
    const limit = PLACES[which] - [...this.running.values()].filter((one) => one.failing === failing).length;
    if (limit <= 0 || this.stopping.signal.aborted) return;
    const options = { among, failing, limit, hopelessSeconds: HOPELESS_SECONDS };
    for (const turn of await this.turns.claim(randomUUID(), options)) this.start(turn);
  }

  private start(turn: WebhookTurn): void {
    const { systemId } = turn;
    const done = this.sendTurn
      .run(turn, this.stopping.signal, this.reports)
      // The lease ends by itself.
      .catch((error: unknown) => this.log.warn({ err: error, systemId }, 'call-webhooks failed'))
      .finally(() => {
        this.running.delete(systemId);
        if (this.woken.has(systemId)) this.wake(systemId);
      });
    this.running.set(systemId, { failing: turn.failures > 0, done });
  }
}
