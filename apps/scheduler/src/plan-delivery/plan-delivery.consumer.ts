import { OnTask, type QueuedTask } from '@lienthong/queue';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { PlanDelivery } from './plan-delivery';

@Controller()
export class PlanDeliveryConsumer {
  constructor(private readonly planDelivery: PlanDelivery) {}

  @OnTask('plan-delivery')
  handle(@Payload() { task }: QueuedTask): Promise<void> {
    return this.planDelivery.plan(task.packetId);
  }
}
