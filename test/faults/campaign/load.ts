import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PutUpload } from '@lienthong/contracts';
import { verifyReceipts } from '@lienthong/signing';
import { eventually } from '../../support/eventually';
import { download, put } from '../../support/exchange';
import type { Party, Platform } from '../../support/platform';
import { type History, newHistory } from './history';

/** The same key asks for the same bytes: they are made from it. */
const bytesOf = (key: string): Buffer => createHash('sha512').update(key).digest();
/** Half of the packets. */
const isInline = (key: string): boolean => key < '8';
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64');
/** Between two packets of one source. */
const PAUSE_MS = 60;
/** Questions at once when all is over. */
const AT_ONCE = 8;
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
      await Promise.allSettled(this.destinations.map((destination) => this.receiveAll(destination)));
      return (await this.readAll()) === 0;
    }, SETTLED).catch(() => undefined);
    for (const party of [...this.sources, ...this.destinations]) await this.readEvents(party);
    const ours = new Set([...this.history.asked.values()].map(({ packetId }) => packetId));
    this.history.contentLeft = (await leftIn()).filter((packetId) => ours.has(packetId));
    return this.history;
  }

  private async repeat(work: () => Promise<unknown>): Promise<void> {
    while (!this.stop.signal.aborted) {
      await work().catch((error: unknown) => this.note(error));
      await sleep(PAUSE_MS);
    }
  }

  private note(error: unknown): void {
    const { code = '', name = '' } = error as { code?: string; name?: string };
    this.failures.set(code || name, (this.failures.get(code || name) ?? 0) + 1);
  }

  /** S2 to the completion; with the same key it may be done again after any failure. @returns the packet's id once it is acknowledged */
  private async deliver(source: Party, key: string, to: string[]): Promise<string> {
    const bytes = bytesOf(key);
    const part = { name: 'phieu.bin', mediaType: 'application/octet-stream' };
    const request = { to, title: 'V/v chiến dịch', dataType: 'file' };
    const { packets } = source.client;
    const options = { idempotencyKey: key };
    if (isInline(key)) {
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
    const first = randomBytes(1)[0] % this.destinations.length;
    const to = [0, 1].map((step) => this.destinations[(first + step) % this.destinations.length].systemId);
    const asked: { source: string; to: string[]; sha256: string; packetId?: string; answered: boolean } = {
      source: source.systemId,
      to,
      sha256: digest(bytesOf(key)),
      answered: false,
    };
    this.history.asked.set(key, asked);
    asked.packetId = await this.deliver(source, key, to);
    asked.answered = true;
  }

  private async receiveAll(destination: Party): Promise<void> {
    while ((await this.receive(destination)) > 0);
  }

  /** @returns how many waited */
  private async receive(destination: Party): Promise<number> {
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
    return items.length;
  }

  /** What was never answered may be there or not; asked again it is there, once. */
  private async askAgain(
    key: string,
    asked: { source: string; to: string[]; packetId?: string; answered: boolean },
  ): Promise<void> {
    const source = this.sources.find(({ systemId }) => systemId === asked.source)!;
    const packetId = await eventually(() => this.deliver(source, key, asked.to), SETTLED);
    this.history.repeated.push({ key, packetId });
    asked.packetId ??= packetId;
    asked.answered = true;
  }

  /** @returns how many packets have not ended */
  private async readAll(): Promise<number> {
    const jwks = await this.platform.admin.jwks();
    let open = 0;
    const read = async ({ packetId, source }: { packetId?: string; source: string }) => {
      if (!packetId || this.history.final.get(packetId)?.purged) return;
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
    };
    const all = [...this.history.asked.values()];
    for (let at = 0; at < all.length; at += AT_ONCE) await Promise.all(all.slice(at, at + AT_ONCE).map(read));
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
