import { PollCounts } from './poll-counts';

const log = { error: () => undefined, info: () => undefined };

describe('Counts of polls', () => {
  it('are written together, each poll once', async () => {
    const written: Map<string, number>[] = [];
    const counts = new PollCounts({ addPolls: async (polls) => void written.push(new Map(polls)) }, log);
    for (const systemId of ['H01.14/a', 'H01.15/b', 'H01.14/a']) counts.count(systemId);
    await counts.write();
    await counts.write();
    expect(written).toEqual([
      new Map([
        ['H01.14/a', 2],
        ['H01.15/b', 1],
      ]),
    ]);
  });

  it('are kept, with those that came meanwhile, when they cannot be written', async () => {
    let away = true;
    const written: [string, number][] = [];
    const addPolls = async (polls: ReadonlyMap<string, number>) => {
      if (away) {
        counts.count('H01.14/a');
        throw new Error('away');
      }
      written.push(...polls);
    };
    const counts = new PollCounts({ addPolls }, log);
    counts.count('H01.14/a');
    await expect(counts.write()).rejects.toThrow('away');
    away = false;
    await counts.write();
    expect(written).toEqual([['H01.14/a', 2]]);
  });
});
