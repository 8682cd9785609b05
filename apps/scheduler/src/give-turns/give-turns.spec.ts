import { GiveTurns } from './give-turns';

describe('give-turns', () => {
  const make = (waiting: boolean) => {
    const woken: number[] = [];
    const given = [{ packetId: 'p', priority: 'urgent' as const }];
    const sent: unknown[] = [];
    const unit = { enqueue: (...task: unknown[]) => sent.push(task) };
    const turns = new GiveTurns(
      { run: async (work: (given: unknown) => Promise<unknown>) => work(unit) } as never,
      { anyWaits: async () => waiting, give: async () => given } as never,
    );
    turns.start(() => woken.push(1));
    return { turns, woken, sent };
  };

  it('sends the tasks of those that got their turn', async () => {
    const { turns, sent } = make(true);
    expect(await turns.pass()).toBe(1);
    expect(sent).toEqual([[{ v: 1, kind: 'analyse-packet', packetId: 'p' }, 'urgent']]);
  });

  it('gives the next turns when a few have ended, while some wait', async () => {
    const { turns, woken } = make(true);
    await turns.pass();
    for (let n = 0; n < 3; n++) turns.oneEnded();
    expect(woken).toHaveLength(0);
    turns.oneEnded();
    expect(woken).toHaveLength(1);
  });

  it('does not look for each packet that is analysed while none waits', async () => {
    const { turns, woken } = make(false);
    expect(await turns.pass()).toBe(0);
    for (let n = 0; n < 100; n++) turns.oneEnded();
    expect(woken).toHaveLength(0);
  });
});
