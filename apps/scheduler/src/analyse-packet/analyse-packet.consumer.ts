import { OnTask, type QueuedTask } from '@lienthong/queue';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { AnalysePacket } from './analyse-packet';

@Controller()
export class AnalysePacketConsumer {
  constructor(private readonly analysePacket: AnalysePacket) {}

  @OnTask('analyse-packet')
  handle(@Payload() { task }: QueuedTask): Promise<void> {
    return this.analysePacket.analyse(task.packetId);
  }
}
