import { every, Log, type Repeating } from '@lienthong/runtime';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CloseUnusedSpaces } from './close-unused-spaces';

const EVERY_MS = 30_000;

@Injectable()
export class CloseUnusedSpacesTimer implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer?: Repeating;

  constructor(
    private readonly closeUnusedSpaces: CloseUnusedSpaces,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = every('close-unused-spaces', EVERY_MS, () => this.closeUnusedSpaces.pass(), { log: this.log });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.timer?.stop();
  }
}
