import { type EventPage } from '@lienthong/contracts';
import { EventStreamStore, StreamListener } from '@lienthong/persistence';
import { Injectable } from '@nestjs/common';
import { PollCounts } from './poll-counts';

/** Between two looks of a waiting poll, should the wake-up call be lost. */
const LOOK_AGAIN_MS = 5000;

/** Polling a stream: a page, waiting for the first event if asked to; asking for what follows a page acknowledges it (protocol 7). */
@Injectable()
export class ReadEvents {
  constructor(
    private readonly events: EventStreamStore,
    private readonly listener: StreamListener,
    private readonly polls: PollCounts,
  ) {}

  async page(
    systemId: string,
    { after, limit, waitSeconds, gone }: { after?: number; limit: number; waitSeconds: number; gone: AbortSignal },
  ): Promise<EventPage> {
    this.polls.count(systemId);
    await this.events.polled(systemId);
    if (after !== undefined) await this.events.acknowledge(systemId, after);
    const position = await this.events.position(systemId);
    const from = after ?? position.ackedOffset;
    const start = Math.max(from, position.forgotten);
    const items = await this.wait(systemId, start, limit, waitSeconds, gone);
    const lastOffset = String((await this.events.position(systemId)).lastOffset);
    return {
      items,
      nextCursor: items.at(-1)?.offset ?? null,
      lastOffset,
      ...(from < position.forgotten ? { gap: { from: String(position.forgotten + 1) } } : {}),
    };
  }

  private async wait(systemId: string, after: number, limit: number, seconds: number, gone: AbortSignal) {
    const until = performance.now() + seconds * 1000;
    const bell = new Bell();
    const unsubscribe = this.listener.subscribe(systemId, () => bell.ring());
    try {
      for (;;) {
        const items = await this.events.after(systemId, after, limit);
        const left = until - performance.now();
        if (items.length > 0 || left <= 0 || gone.aborted) return items;
        await bell.rung(Math.min(left, LOOK_AGAIN_MS), gone);
      }
    } finally {
      unsubscribe();
    }
  }
}

/** Remembers a ring that came while nobody waited. */
class Bell {
  private pending = false;
  private waiter?: () => void;

  ring(): void {
    this.pending = true;
    this.waiter?.();
  }

  async rung(ms: number, gone: AbortSignal): Promise<void> {
    if (!this.pending)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.waiter = () => {
          clearTimeout(timer);
          resolve();
        };
        gone.addEventListener('abort', this.waiter, { once: true });
      });
    this.pending = false;
    this.waiter = undefined;
  }
}
