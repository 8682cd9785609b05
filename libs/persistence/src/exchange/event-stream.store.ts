import { setTimeout as sleep } from 'node:timers/promises';
import type { EventType, StreamEvent } from '@lienthong/contracts';
import { v7 as uuidv7 } from 'uuid';
import { acknowledgement } from '../contact/acknowledgement';
import type { Transactions, Unit } from '../transactions';

export interface NewEvent {
  systemId: string;
  type: EventType;
  packetId?: string;
  deliveryId?: string;
  data: object;
}

export interface StreamPosition {
  lastOffset: number;
  ackedOffset: number;
  /** Events up to here are no longer kept. */
  forgotten: number;
}

/** What is asked of one stream: at most `limit` events after `after`. */
export interface EventPage {
  systemId: string;
  after: number;
  limit: number;
}

/** Under load, passes are this far apart: one for the events of many transactions costs as much as one for a single event. */
const GATHER_MS = 10;
/** Events numbered by one pass. */
const BATCH = 1000;
/** The channel that tells every notifier which systems have new events; payload: the system id. */
export const STREAM_CHANNEL = 'lienthong_stream';

/** One message to the server and so one transaction; every statement of it has its own snapshot, so the last one sees what was committed before the lock was had. */
const NUMBER = `
  SELECT pg_advisory_xact_lock(hashtext('lienthong:number-events'));
  WITH todo AS (SELECT seq, system_id FROM events WHERE "offset" IS NULL ORDER BY seq LIMIT ${BATCH}),
       counted AS (SELECT seq, system_id, row_number() OVER (PARTITION BY system_id ORDER BY seq) AS place,
                          count(*) OVER (PARTITION BY system_id) AS total FROM todo),
       heads AS (INSERT INTO streams (system_id, last_offset) SELECT DISTINCT system_id, total FROM counted
                 ON CONFLICT (system_id) DO UPDATE SET last_offset = streams.last_offset + EXCLUDED.last_offset
                 RETURNING system_id, last_offset),
       numbered AS (UPDATE events SET "offset" = heads.last_offset - total + place FROM counted JOIN heads USING (system_id)
                    WHERE events.seq = counted.seq RETURNING events.seq),
       told AS (SELECT pg_notify('${STREAM_CHANNEL}', system_id) FROM heads)
  SELECT (SELECT count(*) FROM numbered) + 0 * (SELECT count(*) FROM told) AS n`;

/**
 * One ordered stream per system (protocol 7). Events are written in the transaction that makes them true, without an offset; after the commit
 * a sequencer numbers what is committed, in batches, under one lock: offsets have no gaps, never change, and no transaction waits for another.
 */
export class EventStreamStore {
  private numbering?: Promise<void>;
  private again = false;

  /** @param source `source` of the CloudEvents: the platform's public address */
  constructor(
    private readonly transactions: Transactions,
    private readonly source: string,
  ) {}

  add(unit: Unit, events: NewEvent[]): void {
    unit.records.events.push(...events.map((event) => ({ id: uuidv7(), ...event })));
  }

  /** Numbers whatever is committed and not numbered. Calls made while it runs are served by one more run. */
  number(): Promise<void> {
    if (this.numbering) {
      this.again = true;
      return this.numbering;
    }
    this.numbering = this.numberAll().finally(() => (this.numbering = undefined));
    return this.numbering;
  }

  private async numberAll(): Promise<void> {
    for (;;) {
      this.again = false;
      while ((await this.numberBatch()) === BATCH);
      if (!this.again) return;
      await sleep(GATHER_MS);
    }
  }

  private async numberBatch(): Promise<number> {
    const [{ n }] = await this.transactions.script<{ n: string }>(NUMBER);
    return Number(n);
  }

  async position(systemId: string): Promise<StreamPosition> {
    const [row] = await this.transactions.query<Record<keyof StreamPosition, string>>(
      `SELECT last_offset AS "lastOffset", acked_offset AS "ackedOffset", forgotten FROM streams WHERE system_id = $1`,
      [systemId],
    );
    return {
      lastOffset: Number(row?.lastOffset ?? 0),
      ackedOffset: Number(row?.ackedOffset ?? 0),
      forgotten: Number(row?.forgotten ?? 0),
    };
  }

  /** @param offsets by system @returns the systems whose streams go on beyond theirs: one look-up each by the primary key, in one statement */
  async beyond(offsets: ReadonlyMap<string, number>): Promise<string[]> {
    const rows = await this.transactions.query<{ systemId: string }>(
      `SELECT s.system_id AS "systemId" FROM unnest($1::text[], $2::bigint[]) AS known (system_id, "offset")
       JOIN streams s ON s.system_id = known.system_id AND s.last_offset > known."offset"`,
      [[...offsets.keys()], [...offsets.values()]],
    );
    return rows.map(({ systemId }) => systemId);
  }

  /** Events after `after`, in order; at most `limit`. */
  async after(systemId: string, after: number, limit: number): Promise<StreamEvent[]> {
    return (await this.afterEach([{ systemId, after, limit }]))[0];
  }

  /** As `after` for many, in one statement: a look-up each by the primary key. @returns the events of each, in the order of the pages */
  async afterEach(pages: readonly EventPage[]): Promise<StreamEvent[][]> {
    const rows = await this.transactions.query<{
      page: number;
      id: string;
      type: EventType;
      at: Date;
      packet_id: string | null;
      offset: string;
      data: Record<string, unknown>;
    }>(
      `SELECT page::int, e.* FROM unnest($1::text[], $2::bigint[], $3::int[]) WITH ORDINALITY AS asked (system_id, after, most, page)
       CROSS JOIN LATERAL (SELECT id, type, at, packet_id, "offset", data FROM events
                           WHERE system_id = asked.system_id AND "offset" > asked.after ORDER BY "offset" LIMIT asked.most) e
       ORDER BY page, "offset"`,
      [pages.map(({ systemId }) => systemId), pages.map(({ after }) => after), pages.map(({ limit }) => limit)],
    );
    const events: StreamEvent[][] = pages.map(() => []);
    for (const row of rows)
      events[row.page - 1].push({
        specversion: '1.0',
        id: row.id,
        source: this.source,
        type: row.type,
        time: row.at.toISOString(),
        ...(row.packet_id ? { subject: row.packet_id } : {}),
        datacontenttype: 'application/json',
        offset: row.offset,
        data: row.data,
      });
    return events;
  }

  /** The system has everything up to `offset`: what it announced is `notified`. @returns how many deliveries that were */
  async acknowledge(systemId: string, offset: number): Promise<number> {
    const { text, values } = acknowledgement(systemId, offset);
    return (await this.transactions.query(text, values)).length;
  }

  /** The system asked for its events: it counts as online for three minutes. Written at most once in 30 s. */
  async polled(systemId: string): Promise<void> {
    await this.transactions.query(
      `INSERT INTO streams (system_id, polled_at) VALUES ($1, now())
       ON CONFLICT (system_id) DO UPDATE SET polled_at = now() WHERE streams.polled_at IS NULL OR streams.polled_at < now() - interval '30 s'`,
      [systemId],
    );
  }
}
