import { Client } from 'pg';
import { STREAM_CHANNEL } from './event-stream.store';

type Listener = () => void;

/** An idle connection whose other end is gone is found by asking it: TCP alone would take hours. */
const HEARTBEAT_MS = 10_000;
const ANSWER_MS = 5000;

/**
 * Hears which systems have new events (LISTEN on a connection of its own). A hint: while the connection is down, and after it comes back,
 * everybody is woken once a while and looks for himself. Connects when somebody first wants to hear: each process that listens is woken by every event.
 */
export class StreamListener {
  private readonly listeners = new Map<string, Set<Listener>>();
  private client?: Client;
  private opened = false;
  private closed = false;
  private reconnect?: NodeJS.Timeout;
  private heartbeat?: NodeJS.Timeout;

  constructor(private readonly url: string) {}

  /** Calls `listener` whenever the system may have new events, until the returned function is called. */
  subscribe(systemId: string, listener: Listener): () => void {
    const set = this.listeners.get(systemId) ?? new Set();
    this.listeners.set(systemId, set.add(listener));
    if (!this.opened) {
      this.opened = true;
      void this.open();
    }
    return () => {
      set.delete(listener);
      if (set.size === 0) this.listeners.delete(systemId);
    };
  }

  private async open(): Promise<void> {
    const client = new Client({
      connectionString: this.url,
      application_name: 'stream-listener',
      keepAlive: true,
      connectionTimeoutMillis: 3000,
      query_timeout: ANSWER_MS,
    });
    client.on('notification', ({ payload }) => this.wake(payload ?? ''));
    const lost = () => this.lost(client);
    client.on('error', lost);
    client.on('end', lost);
    try {
      await client.connect();
      await client.query(`LISTEN ${STREAM_CHANNEL}`);
      this.client = client;
      if (this.closed) return void (await client.end());
      this.heartbeat = setInterval(() => void client.query('SELECT 1').catch(lost), HEARTBEAT_MS);
      this.wakeAll();
    } catch {
      lost();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.reconnect);
    clearInterval(this.heartbeat);
    await this.client?.end().catch(() => undefined);
  }

  private lost(client: Client): void {
    if (this.closed || this.reconnect) return;
    if (this.client && this.client !== client) return;
    this.client = undefined;
    clearInterval(this.heartbeat);
    client.removeAllListeners('end');
    client.end().catch(() => undefined);
    this.reconnect = setTimeout(() => {
      this.reconnect = undefined;
      void this.open();
    }, 500);
    this.wakeAll();
  }

  private wake(systemId: string): void {
    for (const listener of this.listeners.get(systemId) ?? []) listener();
  }

  private wakeAll(): void {
    for (const systemId of this.listeners.keys()) this.wake(systemId);
  }
}
