import { OnTask, type QueuedTask, TaskTime } from '@lienthong/queue';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { CheckContent } from './check-content';

@Controller()
export class CheckContentConsumer {
  constructor(private readonly checkContent: CheckContent) {}

  @OnTask('check-content')
  handle(@Payload() { task }: QueuedTask, @Ctx() time: TaskTime): Promise<void> {
    return this.checkContent.check(task.packetId, time);
  }
}
