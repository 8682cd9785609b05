import { Metrics } from '@lienthong/runtime';
import { CheckStore } from './check-store';

const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

describe('check-store', () => {
  /** A store with these pages, and a record in which these are under way; `known` may have content. */
  function checking(
    pages: string[][],
    { expected = [], known = expected, ended = [] }: Partial<Record<'expected' | 'known' | 'ended', string[]>> = {},
  ) {
    const said: string[] = [];
    const metrics = new Metrics();
    const storage = {
      async *places() {
        yield* pages;
      },
    };
    const record = {
      expected: async () => expected.map((packet) => ({ id: packet, round: 1 })),
      stillExpected: async (packets: { id: string }[]) =>
        packets.map((packet) => packet.id).filter((packet) => !ended.includes(packet)),
      unknown: async (ids: string[]) => ids.filter((packet) => !known.includes(packet)),
    };
    const log = { error: () => void said.push('error'), info: () => void said.push('info') };
    return { said, metrics, check: new CheckStore(storage, record, log, metrics) };
  }

  it('finds nothing wrong where each place is of a packet that may have content, in whatever round', async () => {
    const { check, said, metrics } = checking([[id(1), `${id(2)}-2`], [], [id(3)]], {
      expected: [id(1), id(2)],
      known: [id(3)],
    });
    expect(await check.check()).toEqual({ places: 3, unknown: [], missing: [], whole: true });
    expect(said).toEqual([]);
    expect(await metrics.metrics()).toContain('lienthong_content_places{of="listed"} 3');
  });

  it('tells once what nobody knows, and what is no name of a packet', async () => {
    const pages = [[id(1), `${id(1)}-2`, 'x', id(2)]];
    const { check, said, metrics } = checking(pages, { expected: [id(2)] });
    expect(await check.check()).toMatchObject({ unknown: [id(1), `${id(1)}-2`, 'x'], missing: [] });
    expect(await metrics.metrics()).toContain('lienthong_content_places{of="unknown"} 3');
    await check.check();
    expect(said).toEqual(['error']);
    pages[0] = [id(2)];
    await check.check();
    expect(said).toEqual(['error', 'info']);
    expect(await metrics.metrics()).toContain('lienthong_content_places{of="unknown"} 0');
  });

  it('tells which packets under way have no content, save those that ended while the store was listed', async () => {
    const { check, metrics } = checking([[id(1)]], { expected: [id(1), id(2), id(3)], ended: [id(3)] });
    expect(await check.check()).toEqual({ places: 1, unknown: [], missing: [id(2)], whole: true });
    expect(await metrics.metrics()).toContain('lienthong_content_places{of="missing"} 1');
  });

  it('stops at its bound, and calls nothing missing that it has not looked for', async () => {
    const { check } = checking([[id(9)], [id(1)], [id(2)]], { expected: [id(1), id(2)] });
    expect(await check.check(2)).toEqual({ places: 2, unknown: [id(9)], missing: [], whole: false });
  });
});
