import type { QueueSettings } from './queue.module';

export interface QueueConfig {
  QUEUE: 'rabbitmq' | 'postgres';
  RABBITMQ_URL?: string;
  DATABASE_URL: string;
}

/**
 * What the queue needs of a process's configuration.
 * @throws Error with one sentence when the driver's server is not set
 */
export function queueSettingsOf(config: QueueConfig): QueueSettings {
  if (config.QUEUE === 'postgres') return { driver: 'postgres', connectionString: config.DATABASE_URL };
  if (!config.RABBITMQ_URL) throw new Error('RABBITMQ_URL is not set. Set it, or choose QUEUE=postgres.');
  return { driver: 'rabbitmq', url: config.RABBITMQ_URL };
}
