import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import type { ReceiptClaims, StreamEvent, WaitingDelivery } from '@lienthong/contracts';
import { verifyReceipts } from '@lienthong/signing';
import { request } from 'undici';
import type { LienThongClient } from '../../client';
import type { CliContext } from '../../terminal/cli-context';
import type { DemoStep } from './demo';
import type { DemoParties } from './demo-parties';

interface DemoOptions {
  content: Buffer;
  folder: string;
  waitMs: number;
  told: (step: DemoStep) => void;
}

const FILE_NAME = 'Công văn mẫu.bin';
const EVIDENCE = ['packet.accepted', 'delivery.accepted', 'packet.purged'] as const;

/** The seven steps for real, each told only after it was seen to happen. @returns the packet id */
export async function sevenSteps(cli: CliContext, parties: DemoParties, options: DemoOptions): Promise<string> {
  const { say, out } = cli;
  const { content, folder, waitMs } = options;
  const source = parties.clientOf(parties.source);
  const destination = parties.clientOf(parties.destination);
  const timed = async <T>(step: string, work: () => Promise<[string, T]>): Promise<T> => {
    const started = performance.now();
    const [text, result] = await work();
    options.told({ step, text, ms: Math.round(performance.now() - started) });
    return result;
  };
  const expect = (holds: boolean, vi: string, en: string): void => {
    if (!holds) throw new Error(say(vi, en));
  };
  const atSource = new Watch(source, waitMs, cli);
  const atDestination = new Watch(destination, waitMs, cli);
  try {
    await timed('S1', async () => {
      const { system } = await source.sessions.open();
      await Promise.all([atSource.connected(), atDestination.connected()]);
      return [
        say(
          `Nơi gửi kết nối: ${system.id}; hai bên mở luồng sự kiện`,
          `The source connects: ${system.id}; both sides open their streams`,
        ),
        undefined,
      ];
    });
    const sha256 = createHash('sha256').update(content).digest('base64');
    const { packetId, space } = await timed('S2', async () => {
      const part = { name: FILE_NAME, mediaType: 'application/octet-stream', size: content.length, sha256 };
      const answer = await source.packets.send({
        to: [parties.destination.systemId],
        title: say('V/v chạy thử liên thông', 'Demonstration of the exchange'),
        priority: 'urgent',
        dataType: parties.dataType,
        protocol: 'put',
        parts: [part],
      });
      return [
        say(`Xin không gian lưu trữ: gói tin ${answer.packetId}`, `Asks for a space: packet ${answer.packetId}`),
        answer,
      ];
    });
    await timed('S3', async () => {
      const upload = space?.uploads[0];
      if (!upload || 'urls' in upload)
        throw new Error(say('Nền tảng không cấp địa chỉ tải lên.', 'The platform gave no upload address.'));
      const { statusCode, body } = await request(upload.url, { method: 'PUT', headers: upload.headers, body: content });
      await body.dump();
      expect(statusCode < 300, `Tải lên không được: HTTP ${statusCode}.`, `The upload failed: HTTP ${statusCode}.`);
      await source.packets.complete(packetId);
      return [
        say(`Tải nội dung lên: ${out.bytes(content.length)}`, `Uploads the content: ${out.bytes(content.length)}`),
        undefined,
      ];
    });
    const deliveryId = await timed('S4', async () => {
      await atSource.until('packet.accepted', packetId);
      const { data } = await atDestination.until('packet.available', packetId);
      return [
        say(
          'Nền tảng kiểm tra, lập kế hoạch, báo nơi nhận qua WebSocket',
          'The platform checks, plans, and tells the destination by WebSocket',
        ),
        (data as unknown as WaitingDelivery).deliveryId,
      ];
    });
    await timed('S5', async () => {
      const { system } = await destination.sessions.open();
      const { items } = await destination.deliveries.page({ limit: 500 });
      expect(
        items.some((item) => item.deliveryId === deliveryId),
        'Gói tin không có trong danh sách chờ nhận.',
        'The packet is not in the list of what waits.',
      );
      return [
        say(
          `Nơi nhận kết nối: ${system.id}; đang chờ nhận: ${items.length}`,
          `The destination connects: ${system.id}; waiting: ${items.length}`,
        ),
        undefined,
      ];
    });
    const address = await timed('S6', async () => {
      const { space } = await destination.deliveries.ready(deliveryId);
      return [
        say(
          'Nơi nhận sẵn sàng, được cấp địa chỉ tải về',
          'The destination is ready and gets the address to fetch from',
        ),
        space.downloads[0],
      ];
    });
    await timed('S7', async () => {
      const { files, state } = await destination.receive(deliveryId, folder);
      const same = content.equals(await readFile(files[0].path));
      expect(
        same && state === 'accepted',
        'Nội dung nhận được khác nội dung đã gửi.',
        'What was received is not what was sent.',
      );
      await atSource.until('delivery.accepted', packetId);
      return [
        say(
          'Nơi nhận tải về, khớp từng byte, xác nhận; nơi gửi được báo',
          'The destination fetches, every byte equal, confirms; the source is told',
        ),
        undefined,
      ];
    });
    await timed('S7', async () => {
      await atSource.until('packet.purged', packetId);
      const { state, purgedAt } = await source.packets.get(packetId);
      expect(
        state === 'completed' && purgedAt !== null,
        `Gói tin còn ở trạng thái ${state}.`,
        `The packet is still ${state}.`,
      );
      const { statusCode, body } = await request(address.url, { headers: address.headers });
      await body.dump();
      expect(statusCode >= 400, 'Nội dung vẫn còn tải về được.', 'The content can still be fetched.');
      return [
        say(
          `Nội dung đã xóa khỏi nền tảng (địa chỉ cũ trả lời ${statusCode})`,
          `The content is deleted from the platform (its address answers ${statusCode})`,
        ),
        undefined,
      ];
    });
    await timed('✓', async () => {
      const [bundle, jwks] = await Promise.all([source.packets.receipts(packetId), source.jwks()]);
      const { valid, problems, claims } = await verifyReceipts(bundle, jwks);
      const events = (claims as ReceiptClaims[]).map(({ event }) => event);
      expect(
        valid,
        `Biên nhận không hợp lệ: ${problems[0]?.problem}.`,
        `A receipt is not valid: ${problems[0]?.problem}.`,
      );
      const missing = EVIDENCE.filter((event) => !events.includes(event));
      expect(
        missing.length === 0,
        `Thiếu biên nhận: ${missing.join(', ')}.`,
        `Receipts are missing: ${missing.join(', ')}.`,
      );
      return [
        say(
          `Bằng chứng hợp lệ: ${events.length} biên nhận có ký số`,
          `The evidence is valid: ${events.length} signed receipts`,
        ),
        undefined,
      ];
    });
    return packetId;
  } finally {
    await Promise.all([atSource.close(), atDestination.close()]);
  }
}

/** A party's stream, kept open, with all that came; asked for one event at a time. */
class Watch {
  private readonly came: StreamEvent[] = [];
  private readonly stop = new AbortController();
  private isConnected = false;
  private failure: { error: unknown } | undefined;
  private look: () => void = () => undefined;
  private readonly running: Promise<void>;

  constructor(
    client: LienThongClient,
    private readonly waitMs: number,
    private readonly cli: CliContext,
  ) {
    const stream = client.stream({
      signal: AbortSignal.any([this.stop.signal, cli.signal]),
      onNotice: ({ type }) => {
        if (type === 'connected') this.isConnected = true;
        this.look();
      },
    });
    this.running = stream
      .each((event) => {
        this.came.push(event);
        this.look();
      })
      .catch((error: unknown) => {
        this.failure = { error };
        this.look();
      });
  }

  async connected(): Promise<void> {
    await this.wait(() => this.isConnected || undefined, '/v1/stream');
  }

  until(type: StreamEvent['type'], packetId: string): Promise<StreamEvent> {
    return this.wait(() => this.came.find((event) => event.type === type && event.subject === packetId), type);
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async wait<T>(find: () => T | undefined, what: string): Promise<T> {
    const late = AbortSignal.any([AbortSignal.timeout(this.waitMs), this.cli.signal]);
    late.addEventListener('abort', () => this.look(), { once: true });
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (this.failure) throw this.failure.error;
      if (late.aborted) {
        const seconds = this.waitMs / 1000;
        throw new Error(this.cli.say(`Chờ ${seconds} giây chưa thấy ${what}.`, `No ${what} after ${seconds} s.`));
      }
      await new Promise<void>((resolve) => (this.look = resolve));
    }
  }
}
