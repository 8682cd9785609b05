import { Global, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { Outbox } from './prompt-relay';
import { Queue } from './queue';
import { QueueModule, type QueueSettings } from './queue.module';

/** Nothing listens on this port: opening fails at once. */
const unreachable: QueueSettings[] = [
  { driver: 'rabbitmq', url: 'amqp://guest:secret@127.0.0.1:9' },
  { driver: 'postgres', connectionString: 'postgres://postgres:secret@127.0.0.1:9/postgres' },
];

@Injectable()
class NoOutbox implements Outbox {
  claim = async () => [];
  remove = async () => undefined;
}
@Global()
@Module({ providers: [NoOutbox], exports: [NoOutbox] })
// oxlint-disable-next-line typescript/no-extraneous-class -- Nest's shape of a module
class Persistence {}

@Injectable()
class Relay {
  constructor(readonly queue: Queue) {}
}
@Injectable()
class Planner {
  constructor(readonly queue: Queue) {}
}

describe.each(unreachable)('QueueModule with $driver', (settings) => {
  async function standalone() {
    const testing = await Test.createTestingModule({
      imports: [
        Persistence,
        QueueModule.forSending({ ...settings }, NoOutbox),
        QueueModule.forConsuming({ ...settings }, NoOutbox),
      ],
      providers: [Relay, Planner],
    }).compile();
    testing.useLogger(false);
    return testing.createNestApplication({ logger: false });
  }

  it('gives one queue to the sending and the consuming apps of a process', async () => {
    const app = await standalone();
    expect(app.get(Relay).queue).toBeInstanceOf(Queue);
    expect(app.get(Relay).queue).toBe(app.get(Planner).queue);
  });

  it('lets the process start and serve while the server cannot be reached, and tells readiness', async () => {
    const app = await standalone();
    await app.init();
    await expect(app.get(Queue).check()).rejects.toThrow();
    await app.close();
  });
});
