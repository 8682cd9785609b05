import { setImmediate as turn } from 'node:timers/promises';
import { Lanes } from './lanes';

describe('lanes', () => {
  const began: number[][] = [];
  const ends: (() => void)[] = [];
  const lanes = new Lanes({ lanes: 2, together: 3 }, async (asked: number[]) => {
    began.push(asked);
    await new Promise<void>((end) => ends.push(end));
    if (asked.includes(13)) throw new Error('thirteen');
    return asked.map((n) => n * 10);
  });
  const end = async () => {
    ends.shift()!();
    await turn();
  };

  afterEach(() => began.splice(0));

  it('take who is alone at once, and who waits together, as many as may and in their order', async () => {
    const answers = [1, 2, 3, 4, 5, 6].map((n) => lanes.ask(n));
    expect(began).toEqual([[1], [2]]);
    await end();
    expect(began).toEqual([[1], [2], [3, 4, 5]]);
    await end();
    expect(began).toEqual([[1], [2], [3, 4, 5], [6]]);
    await end();
    await end();
    expect(await Promise.all(answers)).toEqual([10, 20, 30, 40, 50, 60]);
  });

  it('give an error to those that went together, and go on', async () => {
    const answers = [11, 12, 13, 14].map((n) => lanes.ask(n).catch((error: Error) => error.message));
    await end();
    await end();
    await end();
    expect(began).toEqual([[11], [12], [13, 14]]);
    expect(await Promise.all(answers)).toEqual([110, 120, 'thirteen', 'thirteen']);
    const next = lanes.ask(15);
    await end();
    expect(await next).toBe(150);
  });
});
