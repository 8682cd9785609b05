import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PutUpload } from '@lienthong/contracts';
import { verifyReceipts } from '@lienthong/signing';
import { eventually } from '../../../support/eventually';
import { put } from '../../../support/exchange';
import type { Party, Platform } from '../../../support/platform';
import { type Asked, type History, newHistory } from '../history';
import { answerOf, choices, digest } from './choices';
import { Destination } from './destination';
import { LookAtContent } from './look-at-content';
import { SentAgain } from './sent-again';

/** Long enough for a packet to be taken while a server is away for a moment. */
const LITTLE_TIME_MS = 10_000;
/** The source thinks again before, while or after the packet is delivered. */
const SECOND_THOUGHT_MS = 400;
/** Between two packets of one source. */
const PAUSE_MS = 60;
const LOOK_MS = 1000;
/** The content of what is sent again is kept as long; less than a minute is not counted on (resend-packet). */
const KEPT_SECONDS = 120;
/** Questions at once when all is over. */
const AT_ONCE = 8;
/** Behind what was answered of a packet that its source had taken back, or that had no time left. */
export const LATE = ', after its end';
const SETTLED = { within: 240_000, every: 500 };
/** What is sent again is given up first, and its content kept for a while in the end. */
const ENDED = { within: 420_000, every: 500 };

export interface Parties {
  sources: Party[];
  destinations: Party[];
  /** One that does not come in time; without it destinations reject nothing that is to come again. */
  nobody?: Party;
  /** Its packets are sent again, and it comes at last. Takes minutes in the end, until the last of them is over and its content is no longer kept. */
  sendsAgain?: boolean;
}

/**
 * Sources that send and now and then take back or send again, and destinations that fetch, and accept or reject, as patient clients do; they note what they see.
 * Who looks at the content that is kept does so every second.
 */
export class Load {
  readonly history = newHistory();
  /** Requests that failed for good, by what was said: no violation, but to be shown. */
  readonly failures = new Map<string, number>();
  private readonly stop = new AbortController();
  private readonly running: Promise<void>[] = [];
  private readonly sources: Party[];
  private readonly destinations: Destination[];
  private readonly again: SentAgain | undefined;

  constructor(
    private readonly platform: Platform,
    private readonly parties: Parties,
  ) {
    const { sources, destinations, nobody, sendsAgain } = parties;
    this.sources = sources;
    this.again =
      nobody && sendsAgain
        ? new SentAgain(
            this.history,
            nobody,
            (systemId) => this.clientOf(systemId),
            (error) => this.note(error),
          )
        : undefined;
    // Where there is none, the platform may have its own pause after a rejection, which is a minute.
    const first = nobody ? 1 : 2;
    const told = <T>(packetId: string, work: Promise<T>): Promise<T> =>
      this.told(() => [...this.history.asked.values()].find((asked) => asked.packetId === packetId), work);
    this.destinations = destinations.map(
      (party) =>
        new Destination(
          this.history,
          party,
          ({ packetId, attempt }) => answerOf(packetId, party.systemId, attempt + first - 1),
          told,
        ),
    );
    if (nobody && this.again)
      this.destinations.push(new Destination(this.history, nobody, (delivery) => this.again?.answerOf(delivery), told));
  }

  /** @param kept packets that have content in the store, as the store says */
  begin(kept?: () => Promise<string[]>): void {
    const look = kept && new LookAtContent(this.history, kept, (systemId) => this.clientOf(systemId));
    this.running.push(
      ...this.sources.map((source) => this.repeat(() => this.send(source))),
      ...this.destinations.map((destination) => this.repeat(() => destination.receive())),
      ...(this.again ? [this.repeat(() => this.again!.once(), LOOK_MS)] : []),
      ...(look ? [this.repeat(() => look.once(), LOOK_MS)] : []),
    );
  }

  /** How many packets are acknowledged and not confirmed by all; of those that nobody takes back or waits for in vain. */
  get inFlight(): number {
    const confirmed = new Map<string, Set<string>>();
    for (const { packetId, destination } of this.history.confirmed)
      confirmed.set(packetId, (confirmed.get(packetId) ?? new Set()).add(destination));
    return [...this.history.asked.values()].filter(
      ({ packetId, answered, to, recalled, deliverBy }) =>
        answered && !recalled && !deliverBy && (confirmed.get(packetId ?? '')?.size ?? 0) < to.length,
    ).length;
  }

  get acknowledged(): number {
    return [...this.history.asked.values()].filter(({ answered }) => answered).length;
  }

  /** For a test that has failed: nothing of it may go on beside the next. */
  async abort(): Promise<void> {
    this.stop.abort();
    await Promise.all(this.running);
  }

  /** No more packets; what is under way is delivered, confirmed and purged; then everything is read. @param leftIn packets that have content where content lies */
  async finish(leftIn: () => Promise<string[]>): Promise<History> {
    await this.abort();
    const all = [...this.history.asked];
    for (let at = 0; at < all.length; at += AT_ONCE)
      await Promise.all(all.slice(at, at + AT_ONCE).map(([key, asked]) => this.askAgain(key, asked)));
    await eventually(async () => {
      await Promise.allSettled(this.destinations.map((destination) => destination.receiveAll()));
      return ((await this.again?.once()) ?? 0) === 0 && (await this.readAll()) === 0;
    }, ENDED).catch(() => this.readAll());
    const { destinations, nobody } = this.parties;
    for (const party of [...this.sources, ...destinations, ...(nobody ? [nobody] : [])]) await this.readEvents(party);
    const ours = new Set([...this.history.asked.values()].map(({ packetId }) => packetId));
    this.history.contentLeft = (await leftIn()).filter((packetId) => ours.has(packetId));
    return this.history;
  }

  private async repeat(work: () => Promise<unknown>, pauseMs = PAUSE_MS): Promise<void> {
    while (!this.stop.signal.aborted) {
      await work().catch((error: unknown) => this.note(error));
      await sleep(pauseMs);
    }
  }

  private clientOf(systemId: string): Party['client'] {
    return this.sources.find((source) => source.systemId === systemId)!.client;
  }

  private note(error: unknown): void {
    const { code = '', name = '', late = '' } = error as { code?: string; name?: string; late?: string };
    const what = (code || name) + late;
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
  }

  /** Who was taken back, or whose little time is over, may be refused with no fault of anybody. */
  private async told<T>(packetOf: () => Asked | undefined, work: Promise<T>): Promise<T> {
    return work.catch((error: object) => {
      const packet = packetOf();
      const isOver = packet?.recalled || (packet?.deliverBy && packet.deliverBy < new Date().toISOString());
      throw isOver ? Object.assign(error, { late: LATE }) : error;
    });
  }

  /** S2 to the completion; with the same key it may be done again after any failure. @returns the packet's id once it is acknowledged */
  private async deliver(source: Party, key: string, { to, deliverBy }: Asked): Promise<string> {
    const bytes = choices.bytesOf(key);
    const part = { name: 'phieu.bin', mediaType: 'application/octet-stream' };
    const isKept = this.again && choices.isSentAgain(key) && choices.isKept(key);
    const policy = deliverBy
      ? { policy: { deliverBy, ...(isKept ? { keepAfterConfirmSeconds: KEPT_SECONDS } : {}) } }
      : {};
    const request = { to, title: 'V/v chiến dịch', dataType: 'file', ...policy };
    const { packets } = source.client;
    const options = { idempotencyKey: key };
    if (choices.isInline(key)) {
      const parts = [{ ...part, content: bytes.toString('base64') }];
      return (await packets.send({ ...request, protocol: 'inline', parts }, options)).packetId;
    }
    const parts = [{ ...part, size: bytes.length, sha256: digest(bytes) }];
    const { packetId, state, space } = await packets.send({ ...request, protocol: 'put', parts }, options);
    if (state !== 'open') return packetId;
    for (const upload of (space?.uploads ?? []) as PutUpload[]) {
      const { status } = await put(upload, bytes);
      if (status !== 200) throw Object.assign(new Error('upload'), { code: `upload ${status}` });
    }
    await packets.complete(packetId);
    return packetId;
  }

  private async send(source: Party): Promise<void> {
    const key = `${randomUUID()}-${randomBytes(4).toString('hex')}`;
    const { destinations, nobody } = this.parties;
    const first = randomBytes(1)[0] % destinations.length;
    const to = [0, 1].map((step) => destinations[(first + step) % destinations.length].systemId);
    const inVain = nobody && choices.isForNobody(key);
    const asked: Asked = {
      source: source.systemId,
      to: inVain ? [to[0], nobody.systemId] : to,
      sha256: digest(choices.bytesOf(key)),
      answered: false,
      ...(inVain ? { deliverBy: new Date(Date.now() + LITTLE_TIME_MS).toISOString() } : {}),
    };
    this.history.asked.set(key, asked);
    asked.packetId = await this.told(() => asked, this.deliver(source, key, asked));
    asked.answered = true;
    this.again?.add(key, asked);
    if (choices.isTakenBack(key)) await this.takeBack(source, asked.packetId, asked);
  }

  /** Said twice, as everything: the second answer is of the same packet, and must be as true. */
  private async takeBack({ client }: Party, packetId: string, asked: Asked): Promise<void> {
    await sleep((randomBytes(1)[0] / 256) * SECOND_THOUGHT_MS);
    asked.recalled = true;
    for (let said = 0; said < 2; said++)
      this.history.recalls.push(await client.packets.recall(packetId, 'Ban hành nhầm'));
  }

  /** What was never answered may be there or not; asked again it is there, once, unless its little time is over. */
  private async askAgain(key: string, asked: Asked): Promise<void> {
    const source = this.sources.find(({ systemId }) => systemId === asked.source)!;
    const isPast = (error: { code?: string }) => asked.deliverBy !== undefined && error.code === 'validation_failed';
    const packetId = await eventually(
      () =>
        this.deliver(source, key, asked).catch((error: { code?: string }) =>
          isPast(error) ? ('past' as const) : Promise.reject(error),
        ),
      SETTLED,
    );
    if (packetId === 'past' && !asked.answered) return;
    this.history.repeated.push({ key, packetId });
    asked.packetId ??= packetId;
    asked.answered = true;
    this.again?.add(key, asked);
  }

  /** @returns how many packets have not ended */
  private async readAll(): Promise<number> {
    const jwks = await this.platform.admin.jwks();
    let open = 0;
    const read = async ({ packetId, source }: { packetId?: string; source: string }) => {
      if (!packetId || this.history.final.get(packetId)?.purged) return;
      const client = this.clientOf(source);
      const [packet, { receipts }] = await Promise.all([
        client.packets.get(packetId),
        client.packets.receipts(packetId),
      ]);
      const { problems } = await verifyReceipts({ packetId, receipts }, jwks);
      this.history.final.set(packetId, {
        state: packet.state,
        purged: packet.purgedAt !== null,
        round: packet.round,
        ends: {
          completed: [packet, ...packet.rounds].filter(({ state }) => state === 'completed').length,
          purged: [packet, ...packet.rounds].filter(({ purgedAt }) => purgedAt !== null).length,
        },
        recipients: packet.recipients.map(({ deliveryId, systemId, round, attempt, state }) => ({
          deliveryId,
          systemId,
          round,
          attempt,
          state,
        })),
        problems: problems.map(({ problem }) => `receipt ${problem}`),
      });
      if (packet.purgedAt === null) open += 1;
    };
    const all = [...this.history.asked.values()];
    for (let at = 0; at < all.length; at += AT_ONCE) await Promise.all(all.slice(at, at + AT_ONCE).map(read));
    return open;
  }

  private async readEvents({ client, systemId }: Party): Promise<void> {
    for (let after = '0'; ;) {
      const { items } = await eventually(() => client.events.poll({ after, limit: 500 }), SETTLED);
      this.history.events.push(
        ...items.map(({ offset, id, type, time, subject, data }) => ({
          system: systemId,
          offset,
          id,
          type,
          at: time,
          packetId: subject,
          of: data.deliveryId as string | undefined,
          again: data.retryable === true,
        })),
      );
      if (items.length < 500) return;
      after = items.at(-1)!.offset;
    }
  }
}
