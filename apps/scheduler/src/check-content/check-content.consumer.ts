import { OnTask, type QueuedTask } from '@lienthong/queue';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { CheckContent } from './check-content';

@Controller()
export class CheckContentConsumer {
  constructor(private readonly checkContent: CheckContent) {}

  @OnTask('check-content')
  handle(@Payload() { task }: QueuedTask): Promise<void> {
    return this.checkContent.check(task.packetId);
  }
}
