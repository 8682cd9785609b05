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
  private legacy = new Map<string, number>();
  private timer?: Repeating;

  constructor(
    private readonly keys: Pick<KeyStore, 'countLegacy' | 'touch'>,
    private readonly log: Pick<Log, 'error' | 'info'>,
    private readonly counter: Pick<Counter<'alg'>, 'inc'>,
  ) {}

  note(accessKey: string, alg: SignatureAlgorithm, at: Date): void {
    this.counter.inc({ alg });
    this.uses.set(accessKey, at);
    if (alg === 'hmac-sha1') this.legacy.set(accessKey, (this.legacy.get(accessKey) ?? 0) + 1);
  }

  /** Uses that could not be written are kept for the next time. */
  async write(): Promise<void> {
    const [uses, legacy] = [this.uses, this.legacy];
    [this.uses, this.legacy] = [new Map(), new Map()];
    try {
      if (uses.size > 0) await this.keys.touch(uses);
    } catch (error) {
      this.uses = new Map([...uses, ...this.uses]);
      this.keep(legacy);
      throw error;
    }
    try {
      if (legacy.size > 0) await this.keys.countLegacy(legacy);
    } catch (error) {
      this.keep(legacy);
      throw error;
    }
  }

  private keep(legacy: Map<string, number>): void {
    for (const [accessKey, n] of legacy) this.legacy.set(accessKey, (this.legacy.get(accessKey) ?? 0) + n);
  }

  onModuleInit(): void {
    this.timer = every('record-key-use', EVERY_MS, () => this.write(), { log: this.log });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
    await this.write().catch(() => undefined);
  }
}
