import { task, type TaskKind } from '@lienthong/contracts';
import type { Unit } from '@lienthong/persistence';
import { GIVEN_UP_COUNTS, type QueuedTask } from '@lienthong/queue';
import { BuryDeadLetters } from './bury-dead-letters';

const givenUp = (packetId: string, attempt = 1): QueuedTask => ({
  id: `id-${packetId}`,
  task: task('analyse-packet', packetId),
  priority: 'urgent',
  attempt,
});

describe('bury-dead-letters', () => {
  /** @param bites what the broker has, as it hands it out */
  const make = (bites: QueuedTask[][], known: { kind: TaskKind; packetId: string }[] = [], cleared?: number[]) => {
    const later: unknown[] = [];
    const buried: unknown[] = [];
    const said: unknown[] = [];
    const unit = { enqueue: (...given: unknown[]) => void later.push(given) };
    const step = new BuryDeadLetters(
      {
        clearDead: async (_limit, record) => {
          const bite = bites.shift() ?? [];
          if (bite.length > 0) await record(bite);
          return cleared?.shift() ?? bite.length;
        },
      },
      { run: (work) => work(unit as unknown as Unit) },
      { of: async () => known, bury: async (tasks) => void buried.push(...tasks) },
      { warn: (fields: unknown) => void said.push(fields), error: (fields: unknown) => void said.push(fields) },
    );
    return { step, later, buried, said };
  };

  it('has a task tried again later that was given up for the first time, and puts one on record that was given up before', async () => {
    const { step, later, buried, said } = make([[givenUp('p-1'), givenUp('p-2', 1 + GIVEN_UP_COUNTS)]]);
    expect(await step.pass()).toBe(2);
    expect(later).toEqual([
      [{ v: 1, kind: 'analyse-packet', packetId: 'p-1' }, 'urgent', expect.any(Number), 1 + GIVEN_UP_COUNTS],
    ]);
    expect(buried).toEqual([
      expect.objectContaining({ id: 'id-p-2', attempt: 7, reason: expect.stringContaining('50') }),
    ]);
    expect(said).toEqual([
      { step: 'bury-dead-letters', tasks: 1 },
      expect.objectContaining({ step: 'analyse-packet', packetId: 'p-2', outcome: 'dead' }),
    ]);
  });

  it('puts a task on record at once when another one for the same work is there', async () => {
    const { step, later, buried } = make(
      [[givenUp('p-1'), givenUp('p-2')]],
      [{ kind: 'analyse-packet', packetId: 'p-1' }],
    );
    await step.pass();
    expect(buried).toEqual([expect.objectContaining({ id: 'id-p-1' })]);
    expect(later).toHaveLength(1);
  });

  it('goes on while the broker has a full bite, also of what needs no record', async () => {
    const { step } = make([], [], [500, 500, 3]);
    expect(await step.pass()).toBe(1003);
  });
});
