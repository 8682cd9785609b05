import { LADDER_COUNTER, LADDER_OUTCOMES } from '@lienthong/contracts';
import { every, Log, Metrics, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SendEmail } from './send-email';

const EVERY_MS = 2000;

@Injectable()
export class SendEmailTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly sendEmail: SendEmail,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  onApplicationBootstrap(): void {
    const noticed = this.metrics.tally(LADDER_COUNTER, 'email', LADDER_OUTCOMES);
    this.timer = every('send-email', EVERY_MS, (signal) => this.sendEmail.pass(signal, noticed), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
