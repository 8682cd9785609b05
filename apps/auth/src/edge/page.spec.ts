import { pageOf, positionOf } from './page';
import { UUID } from './path-pipes';

describe('pages', () => {
  const all = ['H01', 'H01.14', 'H01.14/qlvb', 'H02', 'H03'];
  const read = (after: string | undefined) => async (limit: number) => {
    const from = after === undefined ? 0 : all.indexOf(after) + 1;
    return all.slice(from, from + limit);
  };

  it.each([1, 2, 4, 5, 6])('give every item once, %i at a time, and end with null', async (limit) => {
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < 10; pages++) {
      const page = await pageOf(limit, read(positionOf(cursor)), (item) => item);
      seen.push(...page.items);
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(all);
  });

  it('refuse a cursor that no page ended with', () => {
    for (const cursor of [
      '',
      '%',
      'AA',
      Buffer.from('a b').toString('base64url'),
      Buffer.from('x'.repeat(101)).toString('base64url'),
    ])
      expect(() => positionOf(cursor)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
    expect(() => positionOf(Buffer.from('H01').toString('base64url'), UUID)).toThrow();
    expect(positionOf(undefined)).toBeUndefined();
  });
});
