import { ContactCountStore } from '@lienthong/persistence';
import { every, Log, type Repeating } from '@lienthong/runtime';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnModuleInit } from '@nestjs/common';

const EVERY_MS = 10_000;

/** How often each system polled, written together: a poll must not cost a write of its own. What a process that dies has not written is lost: it is a count, no evidence. */
@Injectable()
export class PollCounts implements OnModuleInit, BeforeApplicationShutdown {
  private polls = new Map<string, number>();
  private timer?: Repeating;

  constructor(
    @Inject(ContactCountStore) private readonly store: Pick<ContactCountStore, 'addPolls'>,
    @Inject(Log) private readonly log: Pick<Log, 'error' | 'info'>,
  ) {}

  count(systemId: string, n = 1): void {
    this.polls.set(systemId, (this.polls.get(systemId) ?? 0) + n);
  }

  /** What could not be written is kept for the next time. */
  async write(): Promise<void> {
    const { polls } = this;
    if (polls.size === 0) return;
    this.polls = new Map();
    try {
      await this.store.addPolls(polls);
    } catch (error) {
      for (const [systemId, n] of polls) this.count(systemId, n);
      throw error;
    }
  }

  onModuleInit(): void {
    this.timer = every('count-polls', EVERY_MS, () => this.write(), { log: this.log });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
    await this.write().catch(() => undefined);
  }
}
