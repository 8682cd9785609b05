import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { StreamEvent } from '@lienthong/contracts';
import { Webhook } from 'standardwebhooks';
import type { Credentials } from './certificates';
import { eventually } from './eventually';

export interface Call {
  at: number;
  headers: Record<string, string>;
  body: string;
  event: Omit<StreamEvent, 'type'> & { type: string };
  status: number;
}

type Answer = number | { status: number; headers: Record<string, string> } | 'never';
export type Answering = (event: Call['event']) => Answer | Promise<Answer>;

/** A receiver of webhooks on loopback: keeps every call, answers as it is told. */
export class WebhookReceiver {
  readonly calls: Call[] = [];
  /** Whatever came as HTTP, complete or not. */
  requests = 0;
  answer: Answering = () => 204;

  private constructor(
    private readonly server: Server | TlsServer,
    private readonly host: string,
  ) {}

  /** @param credentials with them over TLS @param host it listens there, and its address names it */
  static async start(port = 0, credentials?: Credentials, host = '127.0.0.1'): Promise<WebhookReceiver> {
    const server = credentials ? createTlsServer(credentials) : createServer();
    const receiver = new WebhookReceiver(server, host);
    server.on('request', (request, response) => void receiver.take(request, response));
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    return receiver;
  }

  /** Shows another certificate from now on, to whoever is connected too. */
  show(credentials: Credentials): void {
    if (!(this.server instanceof TlsServer)) throw new Error('A receiver without TLS has no certificate.');
    this.server.setSecureContext(credentials);
    this.server.closeAllConnections();
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.server instanceof TlsServer ? 'https' : 'http'}://${this.host}:${this.port}/lienthong`;
  }

  /** Calls with events of the stream, not those that verify the address. */
  get events(): Call[] {
    return this.calls.filter(({ event }) => event.type !== 'webhook.verification');
  }

  /** The first call with an event about the packet that was answered 2xx. */
  answered(packetId: string, type = 'packet.available', within = 20_000): Promise<Call> {
    return eventually(
      () => this.events.find(({ event, status }) => event.subject === packetId && event.type === type && status < 300),
      { within },
    );
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const event = JSON.parse(body) as Call['event'];
    const told = await this.answer(event);
    const { status, headers } = typeof told === 'object' ? told : { status: told, headers: {} };
    this.calls.push({
      at: Date.now(),
      headers: request.headers as Record<string, string>,
      body,
      event,
      status: status === 'never' ? 0 : status,
    });
    if (status !== 'never') response.writeHead(status, headers).end();
  }
}

/** Throws unless the secret signed the call, by the reference library of Standard Webhooks. */
export const verified = ({ body, headers }: Call, secret: string): unknown => new Webhook(secret).verify(body, headers);
