import { WatchQueues } from './watch-queues';

describe('watch-queues', () => {
  const outbox = {
    depths: async () => [{ kind: 'plan-delivery', priority: 'urgent' as const, waiting: 3, oldestSeconds: 1.6 }],
  };
  const turns = { depths: async () => [{ priority: 'normal' as const, waiting: 40, oldestSeconds: 7.2 }] };
  const deadTasks = { depth: async () => ({ waiting: 2, oldestSeconds: 90.4 }) };
  const destinations = [{ systemId: 'H01/a', waiting: 1, oldestSeconds: 5, acceptedPerMinute: 2, online: true }];
  const depths = {
    destinations: async () => destinations,
    taskRates: async () => [{ kind: 'analyse-packet' as const, priority: 'urgent' as const, perMinute: 9 }],
  };

  it('shows the queues of the broker with their rates, what the broker has not taken, and the destinations', async () => {
    const queue = {
      depths: async () => [
        { queue: 'x.analyse-packet.urgent', ready: 4, oldestSeconds: null },
        { queue: 'x.dead', ready: 1, oldestSeconds: 60 },
      ],
    };
    expect(await new WatchQueues(queue, outbox, turns, deadTasks, depths).read()).toEqual({
      queues: [
        { queue: 'x.analyse-packet.urgent', ready: 4, oldestSeconds: null, perMinute: 9 },
        { queue: 'x.dead', ready: 1, oldestSeconds: 60, perMinute: 0 },
        { queue: 'outbox.plan-delivery.urgent', ready: 3, oldestSeconds: 2, perMinute: 0 },
        { queue: 'turns.analyse-packet.normal', ready: 40, oldestSeconds: 7, perMinute: 0 },
        { queue: 'dead-tasks', ready: 2, oldestSeconds: 90, perMinute: 0 },
      ],
      destinations,
    });
  });

  it('says unavailable while the broker cannot be asked', async () => {
    const queue = { depths: () => Promise.reject(new Error('Channel closed')) };
    await expect(new WatchQueues(queue, outbox, turns, deadTasks, depths).read()).rejects.toMatchObject({
      code: 'unavailable',
      params: { what: 'queue' },
    });
  });
});
