import { OnTask, type QueuedTask } from '@lienthong/queue';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { PurgeContent } from './purge-content';

@Controller()
export class PurgeContentConsumer {
  constructor(private readonly purgeContent: PurgeContent) {}

  @OnTask('purge-content')
  handle(@Payload() { task }: QueuedTask): Promise<void> {
    return this.purgeContent.purge(task.packetId);
  }
}
