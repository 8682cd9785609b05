import type { ServerFrame, StreamEvent } from '@lienthong/contracts';
import { signRequest } from '@lienthong/signing';
import { WebSocket } from 'ws';
import { eventually } from './eventually';
import type { Party } from './platform';

/** A stream without the client library's good manners: acknowledges only what it is told to, and may say anything. */
export class RawStream {
  readonly frames: ServerFrame[] = [];
  closed?: { code: number; reason: string };
  /** Status of a refused upgrade. */
  refused?: number;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => this.frames.push(JSON.parse(String(data as Buffer)) as ServerFrame));
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      this.refused = response.statusCode;
      response.resume();
      socket.terminate();
    });
  }

  /** Upgrades with a signature; resolves when it is open or refused. */
  static async of(baseUrl: string, { key }: Pick<Party, 'key'>, target = '/v1/stream'): Promise<RawStream> {
    return RawStream.at(baseUrl.replace(/^http/, 'ws') + target, signRequest({ method: 'GET', target }, key));
  }

  /** Upgrades at an address, without a signature unless in `headers`. */
  static async at(url: string, headers: Record<string, string> = {}): Promise<RawStream> {
    const stream = new RawStream(new WebSocket(url, { headers, perMessageDeflate: false }));
    await eventually(() => stream.frames.length > 0 || stream.refused !== undefined || stream.closed !== undefined);
    return stream;
  }

  get hello(): Extract<ServerFrame, { type: 'hello' }> {
    return this.frames[0] as Extract<ServerFrame, { type: 'hello' }>;
  }

  get events(): StreamEvent[] {
    return this.frames.flatMap((frame) => (frame.type === 'event' ? [frame.event] : []));
  }

  /** Waits for the first event of this kind about the packet. */
  event(packetId: string, type: StreamEvent['type']): Promise<StreamEvent> {
    return eventually(() => this.events.find((event) => event.subject === packetId && event.type === type));
  }

  ack(offset: string): void {
    this.say({ type: 'ack', offset });
  }

  say(frame: unknown): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** How the platform ended it. */
  ending(within = 20_000): Promise<{ code: number; reason: string }> {
    return eventually(() => this.closed, { within });
  }

  async close(): Promise<void> {
    this.socket.close();
    const abandoned = setTimeout(() => this.socket.terminate(), 2000);
    await eventually(() => this.socket.readyState === WebSocket.CLOSED);
    clearTimeout(abandoned);
  }
}
