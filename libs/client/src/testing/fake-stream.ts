import type { IncomingMessage } from 'node:http';
import { CLOSE, type ClientFrame, type StreamEvent } from '@lienthong/contracts';
import { type WebSocket, WebSocketServer } from 'ws';
import type { FakePlatform } from './fake-platform';

/** The event stream of a fake platform: at-least-once, resuming after the last acknowledged offset or after `from`. */
export class FakeStream {
  readonly events: StreamEvent[] = [];
  readonly acks: string[] = [];
  readonly from: (string | null)[] = [];
  heartbeatSeconds = 25;
  /** Takes the upgrade and then says nothing. */
  mute = false;
  acknowledged = 0;
  /** Greets, but sends no event yet. */
  held = false;
  private sent = 0;
  socket: WebSocket | undefined;
  connections = 0;
  private readonly server = new WebSocketServer({ noServer: true });

  constructor(platform: FakePlatform) {
    platform.onUpgrade((request, socket, head) =>
      this.server.handleUpgrade(request, socket, head, (accepted) => this.greet(accepted, request)),
    );
  }

  emit(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      const offset = String(this.events.length + 1);
      const event: StreamEvent = {
        specversion: '1.0',
        id: offset,
        source: '/',
        type: 'packet.available',
        time: new Date().toISOString(),
        datacontenttype: 'application/json',
        offset,
        data: {},
      };
      this.events.push(event);
      this.sendEvent(event);
    }
  }

  /** What a connection that greeted while `held` has not sent yet. */
  release(): void {
    this.held = false;
    for (const event of this.events.slice(this.sent)) this.sendEvent(event);
  }

  private sendEvent(event: StreamEvent): void {
    this.sent = Number(event.offset);
    this.socket?.send(JSON.stringify({ type: 'event', event }));
  }

  private greet(socket: WebSocket, request: IncomingMessage): void {
    this.connections += 1;
    this.socket = socket;
    const from = new URL(request.url ?? '', 'http://x').searchParams.get('from');
    this.from.push(from);
    if (this.mute) return;
    const resumedFrom = from === null ? this.acknowledged : Number(from);
    const { heartbeatSeconds } = this;
    socket.send(
      JSON.stringify({
        type: 'hello',
        heartbeatSeconds,
        lastOffset: String(this.events.length),
        resumedFrom: String(resumedFrom),
      }),
    );
    this.sent = resumedFrom;
    if (!this.held) for (const event of this.events.slice(resumedFrom)) this.sendEvent(event);
    socket.on('message', (data) => {
      const { offset } = JSON.parse((data as Buffer).toString()) as ClientFrame;
      // Acknowledging what was not sent on this connection is a bad frame, as at the real one.
      if (Number(offset) > this.sent) return socket.close(CLOSE.badFrame);
      this.acks.push(offset);
      this.acknowledged = Math.max(this.acknowledged, Number(offset));
    });
  }
}
