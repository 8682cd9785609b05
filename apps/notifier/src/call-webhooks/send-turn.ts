import type { StreamEvent } from '@lienthong/contracts';
import { WebhookSecrets } from '@lienthong/identity';
import { DatabaseClock, EventStreamStore, type WebhookTurn, WebhookTurnStore } from '@lienthong/persistence';
import { Log } from '@lienthong/runtime';
import { Inject, Injectable } from '@nestjs/common';
import { signedHeaders } from '../calling/signed-message';
import { type WebhookOutcome, WebhookRequests } from '../calling/webhook-requests';
import { NotifierOptions } from '../notifier.config';

/** Read at once. */
const BATCH = 50;
/** Then others come first. */
const EVENTS_OF_A_TURN = 200;
/** What a receiver may ask for by Retry-After, at most. */
const RETRY_AFTER_SECONDS = 3600;
/** When auth or the database did not answer: no fault of the receiver's. */
const OWN_FAULT_SECONDS = 5;
/** Receivers that were down together must not be called together. */
const JITTER = 0.2;

/** What a turn tells of itself while it goes on. */
export interface TurnReports {
  /** Of every call, and how long it took. */
  attempted(outcome: WebhookOutcome, seconds: number): void;
  /** Of deliveries that the destination was told of, or for the first time was not. */
  noticed(outcome: 'told' | 'failed', deliveries: number): void;
}

/**
 * One turn of one webhook: sends what its stream has beyond its position, in order, each event only when the former one was answered. The first that
 * is not answered 2xx ends the turn; it comes again after a wait that grows.
 */
@Injectable()
export class SendTurn {
  constructor(
    @Inject(WebhookTurnStore) private readonly turns: Pick<WebhookTurnStore, 'answered' | 'failed' | 'release'>,
    @Inject(EventStreamStore) private readonly events: Pick<EventStreamStore, 'after'>,
    @Inject(WebhookSecrets) private readonly secrets: Pick<WebhookSecrets, 'open'>,
    @Inject(WebhookRequests) private readonly requests: Pick<WebhookRequests, 'post'>,
    @Inject(NotifierOptions) private readonly options: Pick<NotifierOptions, 'webhookRetrySeconds'>,
    @Inject(Log) private readonly log: Pick<Log, 'info' | 'warn'>,
    @Inject(DatabaseClock) private readonly clock: Pick<DatabaseClock, 'now'>,
  ) {}

  /** @param stopping ends the turn after the event under way */
  async run(claimed: WebhookTurn, stopping: AbortSignal, reports: TurnReports): Promise<void> {
    const turn = { ...claimed };
    try {
      await this.send(turn, await this.secretsOf(turn), stopping, reports);
    } catch (error) {
      this.log.warn({ step: 'call-webhooks', systemId: turn.systemId, err: error }, 'call-webhooks broke off');
      await this.turns.release(turn, turn.position, OWN_FAULT_SECONDS);
    }
  }

  private async send(
    turn: WebhookTurn,
    secrets: readonly string[],
    stopping: AbortSignal,
    reports: TurnReports,
  ): Promise<void> {
    for (let sent = 0; ;) {
      const events = await this.events.after(turn.systemId, turn.position, BATCH);
      if (events.length === 0) return this.turns.release(turn, turn.position);
      for (const event of events) {
        const offset = Number(event.offset);
        // Acknowledged in another way while the one before was sent.
        if (offset <= turn.position) continue;
        if (turn.events !== null && !turn.events.includes(event.type)) {
          turn.position = offset;
          continue;
        }
        if (sent >= EVENTS_OF_A_TURN || stopping.aborted) return this.turns.release(turn, turn.position);
        sent += 1;
        const outcome = await this.post(turn, secrets, event, reports);
        if (!outcome.ok) return this.failed(turn, event, outcome, reports);
        const answered = await this.turns.answered(turn, event);
        if (answered === undefined) return this.turns.release(turn, turn.position);
        reports.noticed('told', answered.notified);
        Object.assign(turn, { position: answered.position, state: 'verified', failures: 0 });
      }
    }
  }

  private async post(turn: WebhookTurn, secrets: readonly string[], event: StreamEvent, reports: TurnReports) {
    const began = performance.now();
    const body = JSON.stringify(event);
    const headers = signedHeaders(secrets, event.id, body, this.clock.now());
    const outcome = await this.requests.post(turn.url, headers, body);
    const seconds = (performance.now() - began) / 1000;
    reports.attempted(outcome, seconds);
    const { systemId } = turn;
    const { id, type, offset, subject: packetId } = event;
    const told = {
      step: 'call-webhooks',
      systemId,
      eventId: id,
      type,
      offset,
      packetId,
      ms: Math.round(seconds * 1000),
    };
    this.log.info(outcome.ok ? told : { ...told, error: outcome.error }, 'call-webhooks done');
    return outcome;
  }

  private async failed(
    turn: WebhookTurn,
    event: StreamEvent,
    outcome: WebhookOutcome & { ok: false },
    reports: TurnReports,
  ): Promise<void> {
    const waits = this.options.webhookRetrySeconds;
    const wait = waits[Math.min(turn.failures, waits.length - 1)];
    const asked = Math.min(outcome.retryAfterSeconds ?? 0, RETRY_AFTER_SECONDS);
    const told = await this.turns.failed(turn, event, {
      error: outcome.error,
      off: outcome.gone || turn.hopeless,
      failingFrom: waits.length,
      waitSeconds: Math.max(wait, asked) * (1 + JITTER * Math.random()),
    });
    if (told) reports.noticed('failed', 1);
    await this.turns.release(turn, turn.position);
  }

  private secretsOf({ systemId, webhookId, sealed, former }: WebhookTurn): Promise<string[]> {
    const all = [{ webhookId, sealed }, ...(former ? [former] : [])];
    return Promise.all(all.map((one) => this.secrets.open({ webhookId: one.webhookId, systemId }, one.sealed)));
  }
}
