import { LienThongError, type Recipient, type Refusal, statusOf } from '@lienthong/contracts';
import { actingAs, AuditStore, type NewAuditEntry } from '@lienthong/persistence';
import { every, Log, type Repeating } from '@lienthong/runtime';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Caller } from '../caller';

const EVERY_MS = 60_000;
/** Different (key, code) of one minute; the rest is counted together. Nobody may fill the log, or the memory, with keys that there are not. */
const KINDS = 200;
/** Recipients that an entry names; how many there were it says in any case. */
const NAMED = 20;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const KEY_ID = /^[\x21\x23-\x7e]{1,64}$/;
const UNVERIFIED = { actor: 'unverified', systemId: null };

export interface RefusedRequest {
  method: string;
  originalUrl: string;
  route?: { path?: string };
  params?: Record<string, string | string[]>;
}

/**
 * Refusals in the audit log: one entry each for a caller whose request was verified (it had a fresh nonce, so nobody can repeat it); of those that were not,
 * only how many there were of each key and code in a minute.
 */
@Injectable()
export class Refusals implements OnModuleInit, BeforeApplicationShutdown {
  private counts = new Map<string, { keyId: string; code: string; count: number }>();
  private timer?: Repeating;

  constructor(
    @Inject(AuditStore) private readonly audit: Pick<AuditStore, 'record'>,
    @Inject(Log) private readonly log: Pick<Log, 'error' | 'info'>,
  ) {}

  /** Never fails: who is refused stays refused, and a database that is away is noticed elsewhere. */
  async ofCaller(
    { keyId, systemId }: Pick<Caller, 'keyId' | 'systemId'>,
    request: RefusedRequest,
    code: string,
    more: Record<string, unknown> = {},
  ): Promise<void> {
    const [packetId, deliveryId] = ['packetId', 'deliveryId'].map((name) => String(request.params?.[name]));
    const entry: NewAuditEntry = {
      action: 'access.refused',
      subject: `${request.method} ${request.route?.path ?? request.originalUrl.split('?')[0]}`.slice(0, 200),
      ...(UUID.test(packetId) ? { packetId } : {}),
      ...(UUID.test(deliveryId) ? { deliveryId } : {}),
      detail: { code, ...more },
    };
    await actingAs({ actor: keyId, systemId }, () => this.audit.record([entry])).catch((error: unknown) =>
      this.log.error({ err: error, keyId, code }, 'refusal not recorded'),
    );
  }

  /** What a verified caller was refused: 403, 404 for what is absent or another's, and recipients that it may not send to; anything else is no refusal to record. */
  ofRequest(
    caller: Pick<Caller, 'keyId' | 'systemId'>,
    request: RefusedRequest,
    error: LienThongError,
  ): Promise<void> | undefined {
    if (error.code === 'recipients_refused')
      return this.ofRecipients(caller, request, error.members.recipients as Recipient[]);
    return [403, 404].includes(statusOf(error)) ? this.ofCaller(caller, request, error.code) : undefined;
  }

  /**
   * Recipients to whom the caller may not send: of a request that was refused for them, or that goes out to the others. One entry, with the number for each
   * reason; by name only those that there are but were not granted: what others are called is what the caller wrote.
   * @param recipients all of the request, as they are answered
   */
  async ofRecipients(
    caller: Pick<Caller, 'keyId' | 'systemId'>,
    request: RefusedRequest,
    recipients: readonly Recipient[],
  ): Promise<void> {
    // One that is named twice is refused nothing.
    const refused = recipients.filter(({ allowed, reason }) => !allowed && reason !== 'duplicate_recipient');
    if (refused.length === 0) return;
    const reasons: Partial<Record<Refusal, number>> = {};
    for (const { reason } of refused) if (reason) reasons[reason] = (reasons[reason] ?? 0) + 1;
    const notGranted = refused.flatMap(({ reason, systemId }) =>
      reason === 'not_granted' && systemId ? [systemId] : [],
    );
    await this.ofCaller(caller, request, 'recipients_refused', { reasons, notGranted: notGranted.slice(0, NAMED) });
  }

  /** @param rawHeaders of a request that did not prove who signed it; what it says of its key is only what it says */
  ofStranger(rawHeaders: readonly string[], error: unknown): void {
    if (!(error instanceof LienThongError) || error.code === 'unavailable') return;
    const name = rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === 'signature-input');
    const [, said = ''] = /keyid="([\x21\x23-\x7e]{1,64})"/.exec(name < 0 ? '' : rawHeaders[name + 1]) ?? [];
    this.ofUnproven(said, error.code);
  }

  /** @param said the key that a request names without having proved it */
  ofUnproven(said: string, code: string): void {
    const named = KEY_ID.test(said) ? said : 'none';
    const known = this.counts.has(`${named} ${code}`);
    const keyId = known || this.counts.size < KINDS ? named : 'others';
    const kind = this.counts.get(`${keyId} ${code}`) ?? { keyId, code, count: 0 };
    kind.count++;
    this.counts.set(`${keyId} ${code}`, kind);
  }

  /** Counts that could not be written go on being counted. */
  async write(): Promise<void> {
    if (this.counts.size === 0) return;
    const counts = this.counts;
    this.counts = new Map();
    const entries = [...counts.values()].map(({ keyId, code, count }) => ({
      action: 'access.refused' as const,
      subject: keyId,
      detail: { code, count, verified: false },
    }));
    try {
      await actingAs(UNVERIFIED, () => this.audit.record(entries));
    } catch (error) {
      for (const [kind, { count }] of this.counts) {
        const former = counts.get(kind);
        if (former) former.count += count;
        else if (counts.size < KINDS) counts.set(kind, this.counts.get(kind)!);
      }
      this.counts = counts;
      throw error;
    }
  }

  onModuleInit(): void {
    this.timer = every('record-refusals', EVERY_MS, () => this.write(), { log: this.log });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
    await this.write().catch(() => undefined);
  }
}
