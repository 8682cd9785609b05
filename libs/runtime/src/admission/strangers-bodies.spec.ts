import { StrangersBodies } from './strangers-bodies';

describe('bodies of strangers', () => {
  /** @returns which of them gave way, in order, and how to end one */
  function reading(bodies: StrangersBodies, address: string, count: number) {
    const gaveWay: number[] = [];
    const ends: (() => void)[] = [];
    for (let n = 0; n < count; n += 1)
      ends.push(
        bodies.begin(address, () => {
          gaveWay.push(n);
          ends[n]();
        }),
      );
    return { gaveWay, ends };
  }

  it('are 128 of one address: the one that has been read longest gives way to the next, and nobody elsewhere does', () => {
    const bodies = new StrangersBodies();
    const slow = reading(bodies, '192.0.2.1', 128);
    expect(slow.gaveWay).toEqual([]);
    reading(bodies, '192.0.2.2', 128);
    expect(slow.gaveWay).toEqual([]);
    reading(bodies, '192.0.2.1', 2);
    expect(slow.gaveWay).toEqual([0, 1]);
  });

  it('give their places back when they have been read', () => {
    const bodies = new StrangersBodies();
    const { gaveWay, ends } = reading(bodies, '192.0.2.1', 128);
    for (const end of ends) end();
    reading(bodies, '192.0.2.1', 128);
    expect(gaveWay).toEqual([]);
  });
});
