import type { IncomingMessage } from 'node:http';
import { CLOSE, type ServerFrame } from '@lienthong/contracts';
import { WebSocket } from 'ws';
import { type Connection, targetOf } from '../transport/connection';
import { errorOf, PlatformError } from '../transport/platform-error';
import { UnreachableError } from '../transport/unreachable-error';

type Hello = Extract<ServerFrame, { type: 'hello' }>;

interface SocketEvents {
  onHello: (hello: Hello) => void;
  onFrame: (frame: Exclude<ServerFrame, Hello>) => void;
}

/** How a connection ended: a close code of protocol 7 (1006 when it just broke), and the error where one is known. */
export interface SocketEnd {
  code: number;
  error?: unknown;
}

/** RFC 6455 7.1.5: the connection broke without a closing frame. */
const BROKEN = 1006;
const HELLO_WITHIN_MS = 15_000;
const MISSED_HEARTBEATS = 2.5;
/** An event carries up to 100 parts with names of 255 letters. */
const FRAME_BYTES = 4 * 1024 * 1024;

/** One WebSocket connection to the stream, from the signed upgrade to its end. */
export class StreamSocket {
  private socket: WebSocket | undefined;
  private watchdog: NodeJS.Timeout | undefined;
  private silenceMs = HELLO_WITHIN_MS;
  private closed = false;

  constructor(
    private readonly connection: Pick<Connection, 'origin' | 'language' | 'tls' | 'signatureFor' | 'refuseSession'>,
    private readonly events: SocketEvents,
  ) {}

  /** Connects and stays until the connection ends. Never throws: why it ended is the answer. */
  async live(from: string | undefined): Promise<SocketEnd> {
    const target = targetOf('/v1/stream', { from });
    const { origin, language, tls } = this.connection;
    let signed: { keyId: string; headers: Record<string, string> };
    try {
      signed = await this.connection.signatureFor('GET', target);
    } catch (error) {
      return { code: isRefusal(error) ? CLOSE.authentication : BROKEN, error };
    }
    if (this.closed) return { code: 1000 };
    const socket = new WebSocket(origin.replace(/^http/, 'ws') + target, {
      headers: { ...signed.headers, 'accept-language': language, 'user-agent': 'lienthong-client/0.1.0' },
      perMessageDeflate: false,
      maxPayload: FRAME_BYTES,
      handshakeTimeout: HELLO_WITHIN_MS,
      ...tls,
    });
    this.socket = socket;
    this.alive();
    const end = await new Promise<SocketEnd>((resolve) => {
      let error: unknown;
      socket.on('unexpected-response', (_request, response) => {
        void refusal(response, origin, language).then((refused) => {
          resolve({ code: isRefusal(refused) ? CLOSE.authentication : BROKEN, error: refused });
          socket.terminate();
        });
      });
      socket.on('error', (cause) => (error = new UnreachableError(origin, cause)));
      socket.on('close', (code) => resolve({ code, error }));
      socket.on('ping', () => this.alive());
      socket.on('message', (data) => {
        this.alive();
        this.read((data as Buffer).toString());
      });
    });
    clearTimeout(this.watchdog);
    if (end.code === CLOSE.authentication) this.connection.refuseSession(signed.keyId);
    return end;
  }

  /** @returns whether it could be given to the connection */
  acknowledge(offset: string): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify({ type: 'ack', offset }));
    return true;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.watchdog);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.close(1000);
    else this.socket?.terminate();
    // A peer that is gone never answers the closing handshake.
    const left = this.socket;
    setTimeout(() => left?.terminate(), 2_000).unref();
  }

  private read(text: string): void {
    let frame: ServerFrame;
    try {
      frame = JSON.parse(text) as ServerFrame;
    } catch {
      this.socket?.close(1007);
      return;
    }
    if (frame.type === 'hello') {
      this.silenceMs = frame.heartbeatSeconds * 1000 * MISSED_HEARTBEATS;
      this.alive();
      this.events.onHello(frame);
    } else {
      this.events.onFrame(frame);
    }
  }

  private alive(): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.socket?.terminate(), this.silenceMs);
  }
}

async function refusal(
  response: IncomingMessage,
  from: string,
  language: Connection['language'],
): Promise<PlatformError> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) if (text.length < 65_536) text += chunk;
  const { headers, statusCode: status = 502 } = response;
  const contentType = headers['content-type'] ?? '';
  return errorOf({ status, contentType, retryAfter: headers['retry-after'], text, from }, language);
}

const isRefusal = (error: unknown): boolean =>
  error instanceof PlatformError && (error.status === 401 || error.status === 403);
