import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { CLOSE, LADDER_COUNTER, LIMITS, LienThongError, statusOf } from '@lienthong/contracts';
import { Authenticator, type Caller, Refusals } from '@lienthong/identity';
import {
  actingAs,
  ConnectionStore,
  type EventPage,
  EventStreamStore,
  SessionStore,
  StreamListener,
  StreamTicketStore,
  type TicketHolder,
} from '@lienthong/persistence';
import { addressOf, every, Log, Metrics, RateLimits, type Repeating } from '@lienthong/runtime';
import { Inject, Injectable, type OnApplicationBootstrap, type BeforeApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Express } from 'express';
import { Gauge } from 'prom-client';
import { type WebSocket, WebSocketServer } from 'ws';
import { NotifierOptions } from '../notifier.config';
import { askedStream, assertOrigin, STREAM_PATH } from './asked-stream';
import { Lanes } from './lanes';
import { Stream } from './stream';
import { refuse } from './upgrade';

interface OpenStream {
  id: string;
  systemId: string;
  holder: TicketHolder;
  socket: WebSocket;
  stream: Stream;
  heard: boolean;
}

interface Acknowledgement {
  actor: Parameters<typeof actingAs>[0];
  systemId: string;
  offset: number;
}

/** A page is a window of events at most, of up to some KiB each: twenty are what one statement may bring into memory. */
const READING = { lanes: 2, together: 20 };
/** Half of the connections that a process has by default: the others are for whoever does not wait here. */
const ACKNOWLEDGING = { lanes: 6, together: 1 };
/** Of one instance; past it a client is sent elsewhere. */
const MAX_STREAMS = 20_000;
/** A wake-up that was lost is made good within this, by one statement for all streams. */
const LOOK_MS = 2000;
/** Who may no more is told so within 10 s, by every instance. */
const ACCESS_MS = 4000;

/**
 * `GET /v1/stream`: the upgrade request is signed like any other and verified before the socket exists, so there is never an open stream
 * without an owner. Heartbeats find dead peers; presence is written down for the directory.
 */
@Injectable()
export class AcceptStreamGateway implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly instance = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  private readonly streams = new Map<WebSocket, OpenStream>();
  /** The same by system, oldest first. */
  private readonly ofSystem = new Map<string, Set<OpenStream>>();
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: LIMITS.streamFrameBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  private readonly reading = new Lanes(READING, (pages: EventPage[]) => this.events.afterEach(pages));
  private readonly acknowledging = new Lanes(
    ACKNOWLEDGING,
    async ([{ actor, systemId, offset }]: Acknowledgement[]) => [
      await actingAs(actor, () => this.events.acknowledge(systemId, offset)),
    ],
  );
  private timers: Repeating[] = [];
  private closing = false;
  private readonly told: (outcome: 'told', deliveries: number) => void;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly authenticator: Authenticator,
    private readonly refusals: Refusals,
    private readonly tickets: StreamTicketStore,
    private readonly events: EventStreamStore,
    private readonly listener: StreamListener,
    private readonly connections: ConnectionStore,
    private readonly sessions: SessionStore,
    private readonly limits: RateLimits,
    @Inject(NotifierOptions) private readonly options: NotifierOptions,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {
    this.told = metrics.tally(LADDER_COUNTER, 'stream', ['told']);
  }

  onApplicationBootstrap(): void {
    const http = this.host.httpAdapter.getHttpServer() as Server;
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      const address = addressOf(this.host.httpAdapter.getInstance<Express>(), request);
      const answer = this.limits.ofUpgrade(address, () => this.upgrade(request, socket, head, address));
      answer.catch((error: unknown) => refuse(request, socket, error));
    });
    this.metrics.registerMetric(openStreams(this.streams));
    this.metrics.registerMetric(bufferedBytes(this.streams));
    this.timers = [
      every('stream-check', 1000, async () => this.check(), { log: this.log }),
      every('stream-look', LOOK_MS, () => this.look(), { log: this.log }),
      every('stream-access', ACCESS_MS, () => this.closeEnded(), { log: this.log }),
      every('stream-heartbeat', LIMITS.heartbeatSeconds * 1000, () => this.heartbeat(), { log: this.log }),
    ];
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true;
    await Promise.all(this.timers.map((timer) => timer.stop()));
    const open = [...this.streams.values()];
    for (const { socket } of open) socket.close(CLOSE.restart, 'restart');
    await Promise.all(open.map(({ stream }) => stream.settled()));
    const ids = open.map(({ id }) => id).filter((id) => id !== '');
    for (const one of open) one.id = '';
    await this.connections.close(ids).catch(() => undefined);
    for (const { socket } of open) socket.terminate();
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, address: string): Promise<void> {
    const { from, by } = await this.asked(request).catch((error: unknown) => {
      if (error instanceof LienThongError && [401, 403].includes(statusOf(error)))
        this.refusals.ofStranger(request.rawHeaders, error);
      throw error;
    });
    if (!hasSystem(by)) {
      await this.refusals.ofCaller(by, { method: 'GET', originalUrl: STREAM_PATH }, 'access_denied');
      throw new LienThongError('access_denied', { what: `GET ${STREAM_PATH}` });
    }
    const holder = { systemId: by.systemId, accessKey: by.accessKey, sessionId: by.sessionId };
    const position = await this.events.position(holder.systemId);
    if (socket.destroyed) return;
    this.server.handleUpgrade(request, socket, head, (ws) => {
      const wanted = from === null ? position.ackedOffset : Math.min(from, position.lastOffset);
      const start = Math.max(wanted, position.forgotten);
      this.accept(ws, holder, start, address || null, () => ({
        hello: {
          type: 'hello',
          heartbeatSeconds: LIMITS.heartbeatSeconds,
          lastOffset: String(position.lastOffset),
          resumedFrom: String(start),
        } as const,
        gap: wanted < position.forgotten ? ({ type: 'gap', from: String(position.forgotten + 1) } as const) : undefined,
      }));
    });
  }

  /** @throws LienThongError for who did not prove what it is, whatever it says of itself */
  private async asked(request: IncomingMessage): Promise<{ from: number | null; by: TicketHolder | Caller }> {
    const { from, ticket } = askedStream(request.url ?? '/');
    assertOrigin(request, [new URL(this.options.publicUrl).origin, ...this.options.streamOrigins]);
    if (this.closing) throw new LienThongError('unavailable', { what: 'stream', retryAfter: 1 });
    if (ticket !== null) {
      const by = await this.tickets.redeem(ticket);
      if (!by) throw new LienThongError('access_denied', { what: `GET ${STREAM_PATH} (ticket)` });
      return { from, by };
    }
    const by = await this.authenticator.authenticate({
      method: request.method ?? 'GET',
      target: request.url ?? '/',
      rawHeaders: request.rawHeaders,
      body: null,
    });
    return { from, by };
  }

  private accept(
    socket: WebSocket,
    holder: TicketHolder,
    from: number,
    address: string | null,
    greeting: () => { hello: Parameters<Stream['say']>[0]; gap?: Parameters<Stream['say']>[0] },
  ): void {
    const { systemId } = holder;
    socket.on('error', () => socket.terminate());
    if (this.streams.size >= MAX_STREAMS) return socket.close(CLOSE.tooMany, 'too many streams');
    this.replaceOldest(systemId);
    const actor = { actor: holder.sessionId ?? holder.accessKey, systemId };
    const source = {
      after: (after: number, limit: number) => this.reading.ask({ systemId, after, limit }),
      acknowledge: async (offset: number) =>
        this.told('told', await this.acknowledging.ask({ actor, systemId, offset })),
    };
    const stream = new Stream(socket, source, from);
    const open: OpenStream = { id: '', systemId, holder, socket, stream, heard: true };
    this.streams.set(socket, open);
    this.ofSystem.set(systemId, (this.ofSystem.get(systemId) ?? new Set()).add(open));
    socket.on('pong', () => (open.heard = true));
    const unsubscribe = this.listener.subscribe(systemId, () => stream.wake());
    const recorded = this.connections
      .open(systemId, this.instance, address)
      .then((id) => void (open.id = id))
      .catch((error: unknown) => this.log.warn({ err: error, systemId }, 'presence not recorded'));
    socket.on('close', (code) => {
      unsubscribe();
      this.streams.delete(socket);
      this.ofSystem.get(systemId)?.delete(open);
      if (this.ofSystem.get(systemId)?.size === 0) this.ofSystem.delete(systemId);
      void recorded
        .then(async () => open.id !== '' && (await this.connections.close([open.id])))
        .catch(() => undefined);
      this.log.info({ step: 'accept-stream', systemId, code }, 'accept-stream closed');
    });
    const { hello, gap } = greeting();
    stream.say(hello);
    if (gap) stream.say(gap);
    stream.wake();
    this.log.info({ step: 'accept-stream', systemId, from }, 'accept-stream done');
  }

  /** A client that reconnects may leave half-dead sockets behind: past the limit its oldest gives way. */
  private replaceOldest(systemId: string): void {
    const own = [...(this.ofSystem.get(systemId) ?? [])];
    if (own.length >= LIMITS.streamsPerSystem) own[0].socket.close(CLOSE.replaced, 'replaced by a newer stream');
  }

  private async look(): Promise<void> {
    const sent = new Map<string, number>();
    for (const [systemId, open] of this.ofSystem)
      sent.set(systemId, Math.min(...[...open].map(({ stream }) => stream.position)));
    if (sent.size === 0) return;
    for (const systemId of await this.events.beyond(sent))
      for (const { stream } of this.ofSystem.get(systemId) ?? []) stream.wake();
  }

  private check(): void {
    const now = performance.now();
    for (const { stream } of this.streams.values()) stream.check(now);
  }

  private async heartbeat(): Promise<void> {
    for (const open of this.streams.values()) {
      if (!open.heard) open.socket.terminate();
      open.heard = false;
      open.socket.ping();
    }
    const ids = [...this.streams.values()].map(({ id }) => id).filter((id) => id !== '');
    if (ids.length > 0) await this.connections.seen(ids);
  }

  /** A revocation, an expiry or a suspension ends the streams that it concerns. */
  private async closeEnded(): Promise<void> {
    const open = [...this.streams.values()];
    if (open.length === 0) return;
    const ended = await this.sessions.ended(
      open.flatMap(({ holder }) => (holder.sessionId ? [] : [holder.accessKey])),
      open.flatMap(({ holder }) => holder.sessionId ?? []),
    );
    for (const { holder, socket } of open) {
      const code = ended.get(holder.sessionId ?? holder.accessKey);
      if (code) socket.close(CLOSE.authentication, code);
    }
  }
}

/** An administrator has none, and no stream. */
const hasSystem = (by: TicketHolder | Caller): by is TicketHolder => by.systemId !== null;

const openStreams = (streams: ReadonlyMap<unknown, unknown>): Gauge =>
  new Gauge({
    name: 'lienthong_streams_open',
    help: 'Streams open at this instance',
    registers: [],
    collect() {
      this.set(streams.size);
    },
  });

const bufferedBytes = (streams: ReadonlyMap<WebSocket, unknown>): Gauge =>
  new Gauge({
    name: 'lienthong_streams_buffered_bytes',
    help: 'Bytes that wait in this process for the reader that is furthest behind',
    registers: [],
    collect() {
      let most = 0;
      for (const { bufferedAmount } of streams.keys()) most = Math.max(most, bufferedAmount);
      this.set(most);
    },
  });
