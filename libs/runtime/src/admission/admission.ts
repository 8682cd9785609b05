import { LienThongError } from '@lienthong/contracts';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { randomInt } from 'node:crypto';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Log } from '../log';
import { type Repeating, every } from '../every';
import { CallerSlots, claimedCaller } from './caller-slots';
import { LoopLag } from './loop-lag';
import { WorkRoom } from './work-room';

/**
 * What goes first when there is too much: `reading` (lists, searches, states), then `new` work, of which the lowest class first; never `rest`,
 * which is part of what was accepted already: confirmations, reports, deliveries, sessions (reliability 12). `waiting` is `rest` that mostly waits for something
 * to happen (long polls): it takes no slot from its caller's other requests.
 */
export type Urgency = 'reading' | 'new' | 'rest' | 'waiting';
export type UrgencyOf = (request: Pick<Request, 'method' | 'path' | 'url'>) => Urgency;

/** 0: at ease. 1: no reading, no new work of the lowest class. 2: no new work at all. */
export type Pressure = 0 | 1 | 2;

export interface AdmissionLimits {
  /** Delay of the event loop for a second past which reading and new work of the lowest class are refused, ms; all new work from twice that. */
  lagMs: number;
  /** What nine in ten requests for new work should take at most, ms. */
  targetMs: number;
}

const WINDOW_MS = 500;
/** The part of the room that new work of the lowest class may fill: the rest is for what is more urgent. */
const LOWEST_SHARE = 0.8;
/** Of everything, in one process: the last bound of its memory. Long polls wait here too. */
const MOST_REQUESTS = 5000;
/** Requests of one caller that wait for its others: new work is answered soon or refused; the published client has 32 under way at most. */
const WAITING: Record<Urgency, number> = { new: 32, reading: 256, rest: 256, waiting: 256 };
/** A signal that cannot be read now says nothing; what it was about has its own errors. */
const SILENT: Pressure = 0;

/** Refuses at the door, before a body is read or a signature checked, what this process could not do in time: refused at once, never queued. */
export class Admission {
  private readonly lag = new LoopLag();
  private readonly signals = new Map<string, Pressure>();
  private readonly room: WorkRoom;
  private readonly callers = new CallerSlots();
  private timers: Repeating[] = [];
  private requests = 0;
  private lastLagMs = 0;
  private refused?: Counter<'urgency' | 'signal'>;

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly urgencyOf: UrgencyOf = ({ method }) => (method === 'GET' ? 'reading' : 'rest'),
  ) {
    this.room = new WorkRoom(limits.targetMs);
  }

  /** Looks at a signal again and again: a probe that takes longer than its interval is simply read later. */
  watch(name: string, everyMs: number, probe: () => Promise<Pressure>, log: Log): void {
    const look = async () => this.signals.set(name, await probe().catch(() => SILENT));
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

  /** @throws LienThongError overloaded */
  readonly handler: RequestHandler = (req, res, next) => {
    const urgency = this.urgencyOf(req);
    const caller = claimedCaller(req);
    if (caller === undefined) return this.admit(urgency, res, next);
    const admit = () => {
      try {
        this.admit(urgency, res, next);
      } catch (error) {
        next(error);
      }
    };
    const line = urgency === 'waiting' ? `${caller} waiting` : caller;
    if (!this.callers.enter(line, res, WAITING[urgency], admit)) this.refuse(urgency, 'caller');
  };

  private admit(urgency: Urgency, res: Response, next: NextFunction): void {
    if (this.requests >= MOST_REQUESTS) this.refuse(urgency, 'requests');
    if (urgency === 'new' || urgency === 'reading') this.assertAtEase(urgency, urgency === 'new' ? 2 : 1);
    if (urgency === 'new' && !this.room.hasRoom()) this.refuse(urgency, 'capacity');
    this.requests += 1;
    const began = performance.now();
    if (urgency === 'new') this.room.enter();
    res.once('close', () => {
      this.requests -= 1;
      if (urgency === 'new') this.room.leave(res.statusCode < 300 ? performance.now() - began : undefined);
    });
    next();
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
    gauge('lienthong_admission_waiting', 'Requests that wait for others of their caller', () => this.callers.waiting);
    gauge('lienthong_admission_pressure', '0 at ease, 1 no reading, 2 no new work', () =>
      Math.max(0, ...this.signals.values()),
    );
  }

  private assertAtEase(urgency: Urgency, from: Pressure): void {
    for (const [signal, pressure] of this.signals) if (pressure >= from) this.refuse(urgency, signal);
  }

  private refuse(urgency: Urgency, signal: string): never {
    this.refused?.inc({ urgency, signal });
    // Thrown a thousand times a second, where it is plain from where: the stack would cost more than the rest of the refusal.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      // Spread, so that those who were refused together do not come back together.
      throw new LienThongError('overloaded', { what: signal, retryAfter: randomInt(2, 11) });
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }
}
