import type { SignatureAlgorithm } from '@lienthong/contracts';
import type { KeyStore } from '@lienthong/persistence';
import { type Log, type Repeating, every } from '@lienthong/runtime';
import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Counter } from 'prom-client';

const EVERY_MS = 60_000;

/** Which algorithms are used, counted (protocol 3: every use of hmac-sha1); and when each key was last used, written together once a minute: a request must not cost a write of its own for this. */
@Injectable()
export class KeyUses implements OnModuleInit, BeforeApplicationShutdown {
  private uses = new Map<string, Date>();
  private timer?: Repeating;

  constructor(
    private readonly keys: Pick<KeyStore, 'touch'>,
    private readonly log: Pick<Log, 'error' | 'info'>,
    private readonly counter: Pick<Counter<'alg'>, 'inc'>,
  ) {}

  note(accessKey: string, alg: SignatureAlgorithm, at: Date): void {
    this.counter.inc({ alg });
    this.uses.set(accessKey, at);
  }

  /** Uses that could not be written are kept for the next time. */
  async write(): Promise<void> {
    if (this.uses.size === 0) return;
    const uses = this.uses;
    this.uses = new Map();
    try {
      await this.keys.touch(uses);
    } catch (error) {
      this.uses = new Map([...uses, ...this.uses]);
      throw error;
    }
  }

  onModuleInit(): void {
    this.timer = every('record-key-use', EVERY_MS, () => this.write(), { log: this.log });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
    await this.write().catch(() => undefined);
  }
}
