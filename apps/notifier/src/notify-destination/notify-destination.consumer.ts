import { OnTask, type QueuedTask } from '@lienthong/queue';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { NotifyDestination } from './notify-destination';

@Controller()
export class NotifyDestinationConsumer {
  constructor(private readonly notifyDestination: NotifyDestination) {}

  @OnTask('notify-destination')
  handle(@Payload() { task }: QueuedTask): Promise<void> {
    return this.notifyDestination.notify(task.packetId);
  }
}
