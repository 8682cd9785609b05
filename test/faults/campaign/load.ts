import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyReceipts } from '@lienthong/signing';
import { eventually } from '../../support/eventually';
import { download } from '../../support/exchange';
import type { Party, Platform } from '../../support/platform';
import { type History, newHistory } from './history';

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64');
/** Between two packets of one source. */
const PAUSE_MS = 60;
const SETTLED = { within: 240_000, every: 500 };

/** Sources that send and destinations that fetch and confirm, as patient clients do, and note what they see. */
export class Load {
  readonly history = newHistory();
  /** Requests that failed for good, by what was said: no violation, but to be shown. */
  readonly failures = new Map<string, number>();
  private readonly stop = new AbortController();
  private readonly running: Promise<void>[] = [];

  constructor(
    private readonly platform: Platform,
    private readonly sources: Party[],
    private readonly destinations: Party[],
  ) {}

  begin(): void {
    this.running.push(
      ...this.sources.map((source) => this.repeat(() => this.send(source))),
      ...this.destinations.map((destination) => this.repeat(() => this.receive(destination))),
    );
  }

  /** How many packets are acknowledged and not confirmed by all. */
  get inFlight(): number {
    const confirmed = new Map<string, Set<string>>();
    for (const { packetId, destination } of this.history.confirmed)
      confirmed.set(packetId, (confirmed.get(packetId) ?? new Set()).add(destination));
    return [...this.history.asked.values()].filter(
      ({ packetId, answered, to }) => answered && (confirmed.get(packetId ?? '')?.size ?? 0) < to.length,
    ).length;
  }

  get acknowledged(): number {
    return [...this.history.asked.values()].filter(({ answered }) => answered).length;
  }

  /** No more packets; what is under way is delivered, confirmed and purged; then everything is read. @param leftIn packets that have content where content lies */
  async finish(leftIn: () => Promise<string[]>): Promise<History> {
    this.stop.abort();
    await Promise.all(this.running);
    for (const [key, asked] of this.history.asked) await this.askAgain(key, asked);
    await eventually(async () => {
      for (const destination of this.destinations) await this.receive(destination);
      return (await this.readAll()) === 0;
    }, SETTLED).catch(() => undefined);
    for (const party of [...this.sources, ...this.destinations]) await this.readEvents(party);
    const ours = new Set([...this.history.asked.values()].map(({ packetId }) => packetId));
    this.history.contentLeft = (await leftIn()).filter((packetId) => ours.has(packetId));
    return this.history;
  }

  private async repeat(work: () => Promise<void>): Promise<void> {
    while (!this.stop.signal.aborted) {
      await work().catch((error: unknown) => this.note(error));
      await sleep(PAUSE_MS);
    }
  }

  private note(error: unknown): void {
    const { code = '', name = '' } = error as { code?: string; name?: string };
    this.failures.set(code || name, (this.failures.get(code || name) ?? 0) + 1);
  }

  private requestOf(key: string, to: string[]) {
    // The same key asks for the same bytes: they are made from it.
    const bytes = createHash('sha512').update(key).digest();
    const part = { name: 'phieu.bin', mediaType: 'application/octet-stream', content: bytes.toString('base64') };
    return {
      bytes,
      body: { to, title: 'V/v chiến dịch', dataType: 'file', protocol: 'inline' as const, parts: [part] },
    };
  }

  private async send(source: Party): Promise<void> {
    const key = `${randomUUID()}-${randomBytes(4).toString('hex')}`;
    const first = randomBytes(1)[0] % this.destinations.length;
    const to = [0, 1].map((step) => this.destinations[(first + step) % this.destinations.length].systemId);
    const { bytes, body } = this.requestOf(key, to);
    const asked: { source: string; to: string[]; sha256: string; packetId?: string; answered: boolean } = {
      source: source.systemId,
      to,
      sha256: digest(bytes),
      answered: false,
    };
    this.history.asked.set(key, asked);
    const { packetId } = await source.client.packets.send(body, { idempotencyKey: key });
    asked.packetId = packetId;
    asked.answered = true;
  }

  private async receive(destination: Party): Promise<void> {
    const { items } = await destination.client.deliveries.page({ limit: 20 });
    for (const { deliveryId, packetId } of items) {
      const { space } = await destination.client.deliveries.ready(deliveryId);
      const parts = [];
      for (const one of space.downloads) {
        const { bytes, status } = await download(one);
        if (status !== 200) throw Object.assign(new Error('download'), { code: `download ${status}` });
        this.history.fetched.push({ packetId, destination: destination.systemId, sha256: digest(bytes) });
        parts.push({ name: one.part, sha256: digest(bytes) });
      }
      // Said twice: the second answer must be the first.
      for (let said = 0; said < 2; said++) {
        const { receipt } = await destination.client.deliveries.confirm(deliveryId, { outcome: 'accepted', parts });
        this.history.confirmed.push({ packetId, destination: destination.systemId, receipt });
      }
    }
  }

  /** What was never answered may be there or not; asked again it is there, once. */
  private async askAgain(
    key: string,
    asked: { source: string; to: string[]; packetId?: string; answered: boolean },
  ): Promise<void> {
    const source = this.sources.find(({ systemId }) => systemId === asked.source)!;
    const { packetId } = await eventually(
      () => source.client.packets.send(this.requestOf(key, asked.to).body, { idempotencyKey: key }),
      SETTLED,
    );
    this.history.repeated.push({ key, packetId });
    asked.packetId ??= packetId;
    asked.answered = true;
  }

  /** @returns how many packets have not ended */
  private async readAll(): Promise<number> {
    const jwks = await this.platform.admin.jwks();
    let open = 0;
    for (const { packetId, source } of this.history.asked.values()) {
      if (!packetId || this.history.final.get(packetId)?.purged) continue;
      const { client } = this.sources.find(({ systemId }) => systemId === source)!;
      const [packet, { receipts }] = await Promise.all([
        client.packets.get(packetId),
        client.packets.receipts(packetId),
      ]);
      const { problems } = await verifyReceipts({ packetId, receipts }, jwks);
      this.history.final.set(packetId, {
        state: packet.state,
        purged: packet.purgedAt !== null,
        recipients: packet.recipients.map(({ systemId, state }) => ({ systemId: systemId ?? '', state })),
        problems: problems.map(({ problem }) => `receipt ${problem}`),
      });
      if (packet.purgedAt === null) open += 1;
    }
    return open;
  }

  private async readEvents({ client, systemId }: Party): Promise<void> {
    for (let after = '0'; ;) {
      const { items } = await eventually(() => client.events.poll({ after, limit: 500 }), SETTLED);
      this.history.events.push(
        ...items.map(({ offset, id, type, subject }) => ({ system: systemId, offset, id, type, packetId: subject })),
      );
      if (items.length < 500) return;
      after = items.at(-1)!.offset;
    }
  }
}
