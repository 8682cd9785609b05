import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SendEmail } from './send-email';

const EVERY_MS = 2000;

@Injectable()
export class SendEmailTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly sendEmail: SendEmail,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = every('send-email', EVERY_MS, (signal) => this.sendEmail.pass(signal), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
