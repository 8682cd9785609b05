import { LookUps } from './look-ups';

/** A table whose statements end when they are told to. */
function table() {
  const statements: { ids: string[]; end: (error?: Error) => void }[] = [];
  const lookUps = new LookUps(
    (ids) =>
      new Promise<Map<string, string>>((resolve, reject) =>
        statements.push({
          ids,
          end: (error) => (error ? reject(error) : resolve(new Map(ids.map((id) => [id, `row of ${id}`])))),
        }),
      ),
  );
  return { statements, lookUps };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('look-ups', () => {
  it('are one statement at a time: what is asked for meanwhile goes together in the next, each id once', async () => {
    const { statements, lookUps } = table();
    const first = lookUps.find('a');
    const more = ['a', 'b', 'b', 'c'].map((id) => lookUps.find(id));
    expect(statements.map(({ ids }) => ids)).toEqual([['a']]);
    statements[0].end();
    expect(await first).toBe('row of a');
    await turn();
    expect(statements.map(({ ids }) => ids)).toEqual([['a'], ['a', 'b', 'c']]);
    statements[1].end();
    expect(await Promise.all(more)).toEqual(['row of a', 'row of b', 'row of b', 'row of c']);
  });

  it('find nothing where there is no row', async () => {
    expect(await new LookUps(async () => new Map()).find('a')).toBeUndefined();
  });

  it('fail with their statement, and not with the one before', async () => {
    const { statements, lookUps } = table();
    const [first, second] = [lookUps.find('a'), lookUps.find('b')];
    statements[0].end(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    await turn();
    statements[1].end();
    expect(await second).toBe('row of b');
  });
});
