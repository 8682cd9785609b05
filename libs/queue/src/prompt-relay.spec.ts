import { task } from '@lienthong/contracts';
import { PromptRelay } from './prompt-relay';
import type { QueuedTask } from './queue';

const queued = (id: string, delayMs = 0) => ({
  id,
  task: task('analyse-packet', id),
  priority: 'normal' as const,
  attempt: 1,
  delayMs,
});

function relayWith(send: (tasks: QueuedTask[]) => Promise<string[]>, due: ReturnType<typeof queued>[] = []) {
  const removed: string[] = [];
  const outbox = {
    claim: async (limit: number) => due.splice(0, limit),
    remove: async (ids: string[]) => void removed.push(...ids),
  };
  return { relay: new PromptRelay({ send }, outbox), removed };
}

describe('prompt relay', () => {
  it('removes from the outbox only what the broker has taken', async () => {
    const { relay, removed } = relayWith(async (tasks) => tasks.slice(0, 1).map(({ id }) => id));
    relay.offer([queued('a'), queued('b')]);
    await relay.idle();
    expect(removed).toEqual(['a']);
  });

  it('leaves delayed tasks and everything after a failure to the timer', async () => {
    const sent: string[] = [];
    const { relay, removed } = relayWith(async (tasks) => {
      sent.push(...tasks.map(({ id }) => id));
      throw new Error('broker away');
    });
    relay.offer([queued('a'), queued('later', 5000)]);
    await relay.idle();
    expect(sent).toEqual(['a']);
    expect(removed).toEqual([]);
  });

  it('drains all that is due', async () => {
    const due = Array.from({ length: 1200 }, (_, n) => queued(String(n)));
    const { relay, removed } = relayWith(async (tasks) => tasks.map(({ id }) => id), due);
    expect(await relay.drain()).toBe(1200);
    expect(removed).toHaveLength(1200);
  });
});
