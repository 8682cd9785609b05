import { LIMITS, LienThongError } from '@lienthong/contracts';
import type { Request, RequestHandler, Response } from 'express';
import { randomInt } from 'node:crypto';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Log } from '../log';
import { type Repeating, every } from '../every';
import { clientOf } from '../http/rate-limit';
import { CallerSlots, claimOf, type LineLimits } from './caller-slots';
import { LoopLag } from './loop-lag';
import { RecentCallers } from './recent-callers';
import { Shares } from './shares';
import { Strain } from './strain';
import { StrangersBodies } from './strangers-bodies';
import { WorkRoom } from './work-room';

/**
 * What goes first when there is too much: `reading` (lists, searches, states), then `new` work, of which the lowest class first; never `rest`,
 * which is part of what was accepted already: confirmations, reports, deliveries, sessions (reliability 12). `waiting` is `rest` that mostly waits for something
 * to happen (long polls), `polling` is `rest` that asks whether something did: they take no slot from their caller's other requests.
 */
export type Urgency = 'reading' | 'new' | 'rest' | 'polling' | 'waiting';
export type UrgencyOf = (request: Pick<Request, 'method' | 'path' | 'url'>) => Urgency;

/**
 * Finds out who sent a request before its body is read.
 * @returns the same text for all requests of one caller; undefined when it is not proven, whatever the reason: who asks for the reason is told later
 */
export type Recognise = (request: Request) => Promise<string | undefined>;

declare module 'http' {
  interface IncomingMessage {
    /**
     * Set where nothing proves who sent the request: to be called when its body begins to be read, with what ends the reading when it has to give way; returns
     * what is to be called when the reading has ended.
     */
    beginBody?: (giveWay: (refusal: LienThongError) => void) => () => void;
  }
}

/** 0: at ease. 1: no reading, no new work of the lowest class. 2: no new work at all. */
export type Pressure = 0 | 1 | 2;

export interface AdmissionLimits {
  /** Delay of the event loop for a second past which reading and new work of the lowest class are refused, ms; all new work from twice that. */
  lagMs: number;
  /** What nine in ten requests for new work should take at most, ms. */
  targetMs: number;
}

const WINDOW_MS = 500;
/** The part of the target that a request may have to wait for others of its caller: the rest is for its own work. */
const WAITING_SHARE = 0.5;
/** The part of the room that new work of the lowest class may fill: the rest is for what is more urgent. */
const LOWEST_SHARE = 0.8;
/** Of everything, in one process: the last bound of its memory. Long polls wait here too. */
const MOST_REQUESTS = 5000;
/**
 * Of one caller. At a time as many as keep a processor busy: who is alone loses nothing by it, and beside others it has no more of the event loop and of the
 * database's connections than these; of long polls as many as of streams. Waiting: new work is answered soon or refused; the published client has 32 under way at most.
 * New work and polls have lines of their own, since who stands back with them goes on with what is under way.
 */
const LINES: Record<Urgency, LineLimits & { line: string }> = {
  new: { line: 'new', atOnce: 4, waiting: 32 },
  reading: { line: 'rest', atOnce: 4, waiting: 256 },
  rest: { line: 'rest', atOnce: 4, waiting: 256 },
  polling: { line: 'polling', atOnce: 4, waiting: 256 },
  waiting: { line: 'waiting', atOnce: LIMITS.streamsPerSystem, waiting: 256 },
};
const inLine = (who: string, urgency: Urgency): string => `${who} ${LINES[urgency].line}`;

/** A signal that cannot be read now says nothing; what it was about has its own errors. */
const SILENT: Pressure = 0;

/**
 * Refuses at the door, before a body is read or a signature checked, what this process could not do in time: refused at once, never queued. Who then proves
 * by the headers who it is gets a slot of its own, and only then its body is read.
 */
export class Admission {
  private readonly lag = new LoopLag();
  private readonly signals = new Map<string, Pressure>();
  private readonly room: WorkRoom;
  private readonly lines: typeof LINES;
  private readonly callers = new CallerSlots();
  /** For whom one stands back: with new work for others that ask for some, else every source would for its own destinations; with polls for anybody. */
  private readonly others = { new: new RecentCallers(), polling: new RecentCallers() };
  /** Of new work. */
  private readonly shares = new Shares();
  private readonly strain = new Strain();
  private readonly bodies = new StrangersBodies();
  private recognise: Recognise = async () => undefined;
  private timers: Repeating[] = [];
  private requests = 0;
  private lastLagMs = 0;
  private refused?: Counter<'urgency' | 'signal'>;

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly urgencyOf: UrgencyOf = ({ method }) => (method === 'GET' ? 'reading' : 'rest'),
  ) {
    this.room = new WorkRoom(limits.targetMs);
    this.lines = { ...LINES, new: { ...LINES.new, waitMs: limits.targetMs * WAITING_SHARE } };
  }

  /** Looks at a signal again and again: a probe that takes longer than its interval is simply read later. One that fails is silent, and logged. */
  watch(name: string, everyMs: number, probe: () => Promise<Pressure>, log: Log): void {
    const look = async () => {
      try {
        this.signals.set(name, await probe());
      } catch (error) {
        this.signals.set(name, SILENT);
        throw error;
      }
    };
    this.timers.push(every(`pressure-${name}`, everyMs, look, { log }));
  }

  start(log: Log): void {
    this.lag.start();
    const look = async () => {
      const now = this.lag.read();
      // Two windows in a row: what is over in half a second (a collection of garbage, a module that loads) is no reason to refuse anybody.
      const ms = Math.min(now, this.lastLagMs);
      this.lastLagMs = now;
      this.signals.set('event loop', ms > 2 * this.limits.lagMs ? 2 : ms > this.limits.lagMs ? 1 : 0);
      this.room.adjust();
    };
    this.timers.push(every('pressure', WINDOW_MS, look, { log }));
  }

  async stop(): Promise<void> {
    this.lag.stop();
    await Promise.all(this.timers.map((timer) => timer.stop()));
  }

  /** Until it is told how, it takes everybody for a stranger. */
  knowBy(recognise: Recognise): void {
    this.recognise = recognise;
  }

  /** @throws LienThongError overloaded */
  readonly handler: RequestHandler = async (req, res, next) => {
    const urgency = this.urgencyOf(req);
    if (this.requests >= MOST_REQUESTS) this.refuse(urgency, 'requests');
    this.assertRoom(urgency);
    const claim = claimOf(req);
    const address = clientOf(req.ip ?? '');
    const place =
      claim === undefined ? undefined : this.callers.reserve(inLine(claim, urgency), address, this.lines[urgency]);
    if (claim !== undefined && !place) this.refuse(urgency, 'caller');
    this.requests += 1;
    let gone = false;
    res.once('close', () => {
      gone = true;
      this.requests -= 1;
    });
    const caller = claim === undefined ? undefined : await this.recognise(req).finally(place);
    if (gone) return;
    if (caller === undefined)
      req.beginBody = (giveWay) => this.bodies.begin(address, () => giveWay(this.refusal(urgency, 'bodies')));
    else await this.takeTurn(urgency, caller, claim!, res);
    next();
  };

  private async takeTurn(urgency: Urgency, caller: string, claim: string, res: Response): Promise<void> {
    if (urgency === 'new') {
      this.others.new.note(caller);
      this.shares.note(caller);
    }
    this.others.polling.note(caller);
    const others = urgency === 'new' || urgency === 'polling' ? this.others[urgency] : undefined;
    const place = {
      line: inLine(caller, urgency),
      standsBack: () => others?.othersThan(caller) === true,
      standsFarBack: () => urgency === 'new' && this.strain.isFelt && this.shares.isFarAhead(caller),
    };
    const turn = this.callers.enter(place, inLine(claim, urgency), res, this.lines[urgency]);
    if (!turn) this.refuse(urgency, 'caller');
    await turn;
    this.assertRoom(urgency);
    if (urgency !== 'new') return;
    const began = performance.now();
    this.room.enter();
    res.once('close', () => {
      const tookMs = performance.now() - began;
      const succeeded = res.statusCode < 300;
      this.room.leave(succeeded ? tookMs : undefined);
      // What requests of a caller that sends as fast as it is answered take says nothing of what others feel: they may be shorter, and wait for each other.
      if (succeeded && !this.callers.isStanding(place.line)) this.strain.note(tookMs);
    });
  }

  private assertRoom(urgency: Urgency): void {
    if (urgency === 'new' || urgency === 'reading') this.assertAtEase(urgency, urgency === 'new' ? 2 : 1);
    if (urgency === 'new' && !this.room.hasRoom()) this.refuse(urgency, 'capacity');
  }

  /** For new work of the lowest class, once it is known to be that. @throws LienThongError overloaded */
  assertRoomForLowest(): void {
    this.assertAtEase('new', 1);
    if (!this.room.hasRoom(LOWEST_SHARE)) this.refuse('new', 'capacity');
  }

  /** Adds `lienthong_admission_*` to a process's metrics. */
  measure(registry: Registry): void {
    this.refused = new Counter({
      name: 'lienthong_admission_refused_total',
      help: 'Requests refused because of too much work, by what they were and the signal that said so',
      labelNames: ['urgency', 'signal'],
      registers: [registry],
    });
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(value());
        },
      });
    gauge('lienthong_admission_limit', 'New work that may be under way at a time', () => this.room.limit);
    gauge('lienthong_admission_under_way', 'New work that is under way', () => this.room.underWay);
    gauge(
      'lienthong_admission_strain',
      'What new work takes of those who do not always have some waiting, by what it takes at ease',
      () => this.strain.ratio,
    );
    gauge('lienthong_admission_waiting', 'Requests that wait for others of their caller', () => this.callers.waiting);
    gauge('lienthong_admission_pressure', '0 at ease, 1 no reading, 2 no new work', () =>
      Math.max(0, ...this.signals.values()),
    );
  }

  private assertAtEase(urgency: Urgency, from: Pressure): void {
    for (const [signal, pressure] of this.signals) if (pressure >= from) this.refuse(urgency, signal);
  }

  private refuse(urgency: Urgency, signal: string): never {
    throw this.refusal(urgency, signal);
  }

  private refusal(urgency: Urgency, signal: string): LienThongError {
    this.refused?.inc({ urgency, signal });
    // Made a thousand times a second, where it is plain from where: the stack would cost more than the rest of the refusal.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      // Spread, so that those who were refused together do not come back together.
      return new LienThongError('overloaded', { what: signal, retryAfter: randomInt(2, 11) });
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }
}
