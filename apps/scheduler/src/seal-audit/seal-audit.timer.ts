import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SchedulerOptions } from '../scheduler.config';
import { SealAudit } from './seal-audit';

@Injectable()
export class SealAuditTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly sealAudit: SealAudit,
    private readonly options: SchedulerOptions,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    const ms = this.options.auditSealSeconds * 1000;
    this.timer = every('seal-audit', ms, (stopping) => this.sealAudit.pass(stopping), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
