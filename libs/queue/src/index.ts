export * from './on-task';
export * from './outcome';
export * from './postgres/postgres-queue';
export * from './queue';
export * from './queue.module';
export * from './queue-server';
export * from './rabbitmq/rabbitmq-queue';
export * from './prompt-relay';
