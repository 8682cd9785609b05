import { OnTask, type QueuedTask, TaskTime } from '@lienthong/queue';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { GiveTurns } from '../give-turns/give-turns';
import { AnalysePacket } from './analyse-packet';

@Controller()
export class AnalysePacketConsumer {
  constructor(
    private readonly analysePacket: AnalysePacket,
    private readonly giveTurns: GiveTurns,
  ) {}

  @OnTask('analyse-packet')
  async handle(@Payload() { task }: QueuedTask, @Ctx() time: TaskTime): Promise<void> {
    await this.analysePacket.analyse(task.packetId, time);
    this.giveTurns.oneEnded();
  }
}
