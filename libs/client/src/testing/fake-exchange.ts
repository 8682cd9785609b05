import { createHash, randomUUID } from 'node:crypto';
import { type Download, LienThongError, type Part, type SendRequest, type UploadSpace } from '@lienthong/contracts';
import { type Answer, type Asked, type FakePlatform, problem } from './fake-platform';

interface FakePacket {
  packetId: string;
  request: SendRequest;
  state: 'open' | 'received';
  bytes: Map<string, Buffer>;
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64');

/** Packets, a store with addresses that can be made to expire, and deliveries, added to a fake platform. */
export class FakeExchange {
  readonly packets = new Map<string, FakePacket>();
  readonly deliveries = new Map<string, Map<string, Buffer>>();
  /** Delivery ids that were confirmed, with what was confirmed. */
  readonly confirmed = new Map<string, Record<string, unknown>>();
  /** `part number` of every PUT that was stored. */
  readonly stored: string[] = [];
  /** Ranges asked for. */
  readonly ranges: (string | undefined)[] = [];
  partSize = 1000;
  private readonly keys = new Map<string, string>();
  private good = randomUUID();
  private readonly address: (path: string) => string;

  constructor(platform: FakePlatform) {
    this.address = (path) => `${platform.origin}/store/${path}?good=${this.good}`;
    platform.route('POST', /^\/v1\/packets$/, (asked) => this.send(asked));
    platform.route('POST', /^\/v1\/packets\/([^/]+)\/space$/, (_asked, [, id]) => ({
      status: 200,
      body: { packetId: id, state: 'open', space: this.space(this.packet(id)) },
    }));
    platform.route('POST', /^\/v1\/packets\/([^/]+)\/complete$/, ({ json }, [, id]) => this.complete(id, json));
    platform.route('PUT', /^\/store\/(.+)$/, (asked, [, path]) => this.put(asked, path), true);
    platform.route('GET', /^\/store\/(.+)$/, (asked, [, path]) => this.serve(asked, path), true);
    platform.route('GET', /^\/v1\/deliveries$/, () => ({
      status: 200,
      body: {
        items: [...this.deliveries.keys()]
          .filter((id) => !this.confirmed.has(id))
          .map((deliveryId) => ({ deliveryId, packetId: `packet-of-${deliveryId}` })),
        nextCursor: null,
      },
    }));
    platform.route('POST', /^\/v1\/deliveries\/([^/]+)\/ready$/, (_asked, [, id]) => this.ready(id));
    platform.route('POST', /^\/v1\/deliveries\/([^/]+)\/confirm$/, ({ json }, [, id]) => {
      this.confirmed.set(id, json);
      return { status: 200, body: { deliveryId: id, state: json.outcome, receipt: 'a.b.c' } };
    });
  }

  /** Addresses given out before no longer work. */
  expireAddresses(): void {
    this.good = randomUUID();
  }

  deliver(files: Record<string, Buffer>): string {
    const id = randomUUID();
    this.deliveries.set(id, new Map(Object.entries(files)));
    return id;
  }

  packet(id: string): FakePacket {
    const packet = this.packets.get(id);
    if (!packet) throw new Error(`no packet ${id}`);
    return packet;
  }

  private send({ headers, json }: Asked): Answer {
    const key = String(headers['idempotency-key']);
    const request = json as unknown as SendRequest;
    const packetId = this.keys.get(key) ?? randomUUID();
    if (!this.keys.has(key)) {
      const bytes = new Map<string, Buffer>();
      for (const part of request.parts)
        if (part.content) bytes.set(`${part.name} 1`, Buffer.from(part.content, 'base64'));
      const state = request.protocol === 'inline' ? 'received' : 'open';
      this.packets.set(packetId, { packetId, request, state, bytes });
      this.keys.set(key, packetId);
    }
    const packet = this.packet(packetId);
    const space = packet.state === 'open' ? { space: this.space(packet) } : {};
    return { status: 201, body: { packetId, state: packet.state, recipients: [], ...space } };
  }

  private space({ packetId, request }: FakePacket): UploadSpace {
    const uploads = (request.parts as Part[]).map((part, index) => {
      const address = (number: number) => this.address(`${packetId}/${index}/${number}`);
      if (request.protocol === 'put') {
        return { part: part.name, method: 'PUT' as const, url: address(1), headers: { 'x-part': String(index) } };
      }
      const urls = Array.from({ length: Math.ceil(part.size / this.partSize) }, (_unused, at) => ({
        partNumber: at + 1,
        url: address(at + 1),
        headers: { 'x-part': String(index) },
      }));
      return { part: part.name, partSize: this.partSize, urls };
    });
    return { expiresAt: new Date(Date.now() + 3_600_000).toISOString(), uploads };
  }

  private put({ query, headers, body }: Asked, path: string): Answer {
    const [id, index, number] = path.split('/');
    if (query.get('good') !== this.good)
      return { status: 403, body: Buffer.from('<Error><Code>AccessDenied</Code></Error>') };
    if (headers['x-part'] !== index || headers['content-length'] !== String(body.length)) return { status: 400 };
    const { request, bytes } = this.packet(id);
    const name = `${request.parts[Number(index)].name} ${number}`;
    bytes.set(name, body);
    this.stored.push(name);
    return { status: 200, headers: { etag: `"${digest(body)}"` } };
  }

  private complete(id: string, json: Record<string, unknown>): Answer {
    const packet = this.packet(id);
    const etags = new Map(
      (json.multipart as { part: string; etags: string[] }[] | undefined)?.map((one) => [one.part, one.etags]),
    );
    const bad = (packet.request.parts as Part[]).filter(({ name, sha256 }) => {
      const pieces = [...packet.bytes.keys()]
        .filter((piece) => piece.startsWith(`${name} `))
        .toSorted((a, b) => numberOf(a) - numberOf(b));
      const whole = pieces.map((piece) => packet.bytes.get(piece) ?? Buffer.alloc(0));
      const named = etags.get(name)?.every((etag, at) => etag === `"${digest(whole[at] ?? Buffer.alloc(0))}"`) ?? true;
      return !named || digest(Buffer.concat(whole)) !== sha256;
    });
    if (bad.length > 0)
      return problem(new LienThongError('content_incomplete', {}, { parts: bad.map(({ name }) => name) }));
    packet.state = 'received';
    return { status: 202, body: { packetId: id, state: 'received' } };
  }

  private ready(id: string): Answer {
    const files = [...(this.deliveries.get(id) ?? [])];
    const downloads: Download[] = files.map(([part, bytes], index) => ({
      part,
      url: this.address(`${id}/${index}`),
      headers: {},
      size: bytes.length,
      sha256: digest(bytes),
      mediaType: 'application/pdf',
    }));
    const packet = {
      packetId: `packet-of-${id}`,
      from: 'H01.20/qlvb',
      title: 'V/v',
      priority: 'normal',
      dataType: 'file',
      parts: [],
    };
    return { status: 200, body: { deliveryId: id, packet, space: { expiresAt: new Date().toISOString(), downloads } } };
  }

  private serve({ query, headers }: Asked, path: string): Answer {
    if (query.get('good') !== this.good) return { status: 403 };
    const [id, index] = path.split('/');
    const bytes = [...(this.deliveries.get(id)?.values() ?? [])][Number(index)];
    this.ranges.push(headers.range);
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    if (headers.range === undefined) return { status: 200, body: bytes };
    const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
    return { status: 206, body: bytes.subarray(start), headers: { 'content-range': range } };
  }
}

const numberOf = (piece: string): number => Number(piece.slice(piece.lastIndexOf(' ')));
