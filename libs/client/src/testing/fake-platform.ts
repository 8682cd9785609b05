import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ErrorCode, LienThongError, problemOf, statusOf } from '@lienthong/contracts';
import { readSignature, verifySignature } from '@lienthong/signing';

export interface Asked {
  method: string;
  target: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
  json: Record<string, unknown>;
  keyId: string | undefined;
}

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** What becomes of a request instead of its usual handling; `lostAnswer`: it is handled, and then the connection breaks. */
export type Mishap =
  | { code: ErrorCode; members?: Record<string, unknown>; headers?: Record<string, string> }
  | 'cut'
  | 'lostAnswer'
  | Answer;

type Handler = (asked: Asked, match: RegExpExecArray) => Answer | Promise<Answer>;

export const ACCESS_KEY = 'AKFAKE';
export const SECRET_KEY = 'a-secret-for-specs-only-0123456789';

/** A platform of a few lines, in this process: it verifies every signature and nonce, keeps sessions, and does as told otherwise. */
export class FakePlatform {
  readonly asked: Asked[] = [];
  readonly sessions = new Map<string, string>();
  readonly nonces = new Set<string>();
  sessionLifeMs = 3_600_000;
  private readonly routes: { method: string; path: RegExp; handler: Handler; open: boolean }[] = [];
  private readonly mishaps: { call: string; mishap: Mishap }[] = [];
  private readonly server: Server = createServer((request, response) => void this.serve(request, response));
  private sockets = new Set<Duplex>();

  constructor() {
    this.route('POST', /^\/v1\/sessions$/, () => this.openSession());
    this.route('DELETE', /^\/v1\/sessions\/current$/, ({ keyId = '' }) => {
      this.sessions.delete(keyId);
      return { status: 204 };
    });
  }

  async start(): Promise<this> {
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** `open`: no signature is asked for. */
  route(method: string, path: RegExp, handler: Handler, open = false): void {
    this.routes.push({ method, path, handler, open });
  }

  /** The next requests whose `METHOD /path` begins so meet these, one each. */
  mishap(call: string, ...mishaps: Mishap[]): void {
    for (const mishap of mishaps) this.mishaps.push({ call, mishap });
  }

  onUpgrade(handler: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): void {
    this.server.on('upgrade', (request, socket, head) => {
      const refused = this.authenticate(request, Buffer.alloc(0));
      if ('refused' in refused) {
        const body = JSON.stringify(problemOf(refused.refused, 'vi'));
        socket.end(
          `HTTP/1.1 401 Unauthorized\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        );
      } else handler(request, socket, head);
    });
  }

  count(call: string): number {
    return this.asked.filter(({ method, path }) => `${method} ${path}`.startsWith(call)).length;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = await this.answer(request);
      if (answer === 'cut') return void request.socket.destroy();
      const { status, body, headers = {} } = answer;
      const bytes = Buffer.isBuffer(body);
      const type = status >= 400 ? 'application/problem+json' : 'application/json';
      response.writeHead(status, { ...(bytes || body === undefined ? {} : { 'content-type': type }), ...headers });
      response.end(bytes || body === undefined ? body : JSON.stringify(body));
    } catch (error) {
      if (!request.socket.destroyed) response.writeHead(500).end(String(error));
    }
  }

  private async answer(request: IncomingMessage): Promise<Answer | 'cut'> {
    const { method = '', url = '', headers } = request;
    const { pathname: path, searchParams: query } = new URL(url, this.origin);
    const chunks: Buffer[] = [];
    const index = this.mishaps.findIndex(({ call }) => `${method} ${path}`.startsWith(call));
    const mishap = index < 0 ? undefined : this.mishaps.splice(index, 1)[0].mishap;
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const json = headers['content-type'] === 'application/json' ? (JSON.parse(body.toString()) as Asked['json']) : {};
    const asked: Asked = { method, target: url, path, query, headers, body, json, keyId: undefined };
    this.asked.push(asked);
    const route = this.routes.find((candidate) => candidate.method === method && candidate.path.test(path));
    if (!route) return problem(new LienThongError('not_found'));
    if (!route.open) {
      const identity = this.authenticate(request, body);
      if ('refused' in identity) return problem(identity.refused);
      asked.keyId = identity.keyId;
    }
    if (mishap === 'cut') return 'cut';
    if (mishap && mishap !== 'lostAnswer') {
      return 'status' in mishap
        ? mishap
        : problem(new LienThongError(mishap.code, {}, mishap.members ?? {}), mishap.headers);
    }
    const answer = await route.handler(asked, route.path.exec(path) as RegExpExecArray);
    return mishap === 'lostAnswer' ? 'cut' : answer;
  }

  private authenticate(request: IncomingMessage, body: Buffer): { keyId: string } | { refused: LienThongError } {
    const { method = '', url = '', rawHeaders } = request;
    const read = readSignature(
      { method, target: url, rawHeaders, body: body.length > 0 ? body : null },
      { now: Date.now() / 1000, windowSeconds: 300 },
    );
    const secret = read.keyId === ACCESS_KEY ? SECRET_KEY : this.sessions.get(read.keyId);
    if (secret === undefined) return { refused: new LienThongError('session_expired') };
    if (!verifySignature(read.alg, { secret }, read.base, read.signature)) {
      return { refused: new LienThongError('signature_invalid') };
    }
    if (this.nonces.has(read.nonce)) return { refused: new LienThongError('replayed_request') };
    this.nonces.add(read.nonce);
    return { keyId: read.keyId };
  }

  private openSession(): Answer {
    const now = Date.now();
    const sessionId = `session-${this.sessions.size + 1}-${now}`;
    const sessionKey = `key of ${sessionId}`;
    this.sessions.set(sessionId, sessionKey);
    return {
      status: 201,
      body: {
        sessionId,
        sessionKey,
        expiresAt: new Date(now + this.sessionLifeMs).toISOString(),
        serverTime: new Date(now).toISOString(),
        system: { id: 'H01.14/qlvb', name: 'QLVB', agencyCode: 'H01.14', agencyName: 'Sở Nội vụ' },
        outgoing: {},
        incoming: { pending: 0, items: [] },
      },
    };
  }
}

export function problem(error: LienThongError, headers: Record<string, string> = {}): Answer {
  return { status: statusOf(error), body: problemOf(error, 'vi'), headers };
}
