import { EventEmitter } from 'node:events';
import { CallerSlots, claimOf } from './caller-slots';

const LIMITS = { atOnce: 4, waiting: 256 };

/** A request that has begun when its slot is there, and ends when it is told to. */
class Call extends EventEmitter {
  begun = false;

  end(): void {
    this.emit('close');
  }
}

/** A slot is told by a promise. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const isFull = (slots: CallerSlots, claim: string, limits: Parameters<CallerSlots['reserve']>[2]): boolean => {
  const place = slots.reserve(claim, '10.0.0.1', limits);
  place?.();
  return place === undefined;
};

describe('the slots of a caller', () => {
  let slots: CallerSlots;
  let others: boolean;
  beforeEach(() => {
    slots = new CallerSlots();
    others = false;
  });

  const calls = async (caller: string, count: number, claim = `${caller}'s key`) => {
    const made = Array.from({ length: count }, () => {
      const call = new Call();
      const slot = slots.enter(
        { line: caller, standsBack: () => others, standsFarBack: () => false },
        claim,
        call as never,
        LIMITS,
      );
      void slot?.then(() => (call.begun = true));
      return { call, taken: slot !== undefined };
    });
    await settled();
    return made;
  };
  const begun = (made: { call: Call }[]): number => made.filter(({ call }) => call.begun).length;

  it('are 4: the others wait, and begin in their order as those end', async () => {
    const flood = await calls('flood', 30);
    expect([begun(flood), slots.waiting]).toEqual([4, 26]);
    flood[1].call.end();
    flood[3].call.end();
    await settled();
    expect(flood.findLastIndex(({ call }) => call.begun)).toBe(5);
    for (const { call } of flood) call.end();
    await settled();
    expect([begun(flood), slots.waiting]).toEqual([30, 0]);
  });

  it('are reserved for no more requests than could go on, while it is found out who sent them', async () => {
    const limits = { atOnce: 4, waiting: 32 };
    const unknown = Array.from({ length: 40 }, () => slots.reserve('LT1', '10.0.0.1', limits));
    expect(unknown.filter(Boolean)).toHaveLength(36);
    expect(slots.reserve('LT1', '10.0.0.2', limits)).toBeDefined();
    unknown[0]!();
    const again = [slots.reserve('LT1', '10.0.0.1', limits), slots.reserve('LT1', '10.0.0.1', limits)];
    expect(again.map(Boolean)).toEqual([true, false]);
    for (const giveUp of [again[0], ...unknown.slice(1)]) giveUp?.();

    const flood = await calls('flood', 20, 'LT1');
    const known = Array.from({ length: 40 }, () => slots.reserve('LT1', '10.0.0.1', limits));
    expect(known.filter(Boolean)).toHaveLength(32 - 16);
    for (const giveUp of known) giveUp?.();
    for (const { call } of flood) call.end();
    expect(isFull(slots, 'LT1', limits)).toBe(false);
  });

  it('are its own: nobody waits for the requests of another', async () => {
    await calls('flood', 200);
    expect(begun(await calls('other', 4))).toBe(4);
  });

  it('are the same, whichever of its keys and sessions a request names', async () => {
    expect(begun(await calls('flood', 4, 'LT1'))).toBe(4);
    expect(begun(await calls('flood', 4, 'LT2'))).toBe(0);
  });

  it('are not taken by a request whose client is gone, nor kept by one that ended', async () => {
    const flood = await calls('flood', 20);
    flood[10].call.end();
    flood[8].call.end();
    expect(slots.waiting).toBe(14);
    for (let n = 0; n < 20; n += 1) {
      if (flood[n].call.begun) flood[n].call.end();
      await settled();
    }
    expect([flood[8].call.begun, flood[10].call.begun]).toEqual([false, false]);
    expect(begun(flood)).toBe(18);
    expect(begun(await calls('flood', 4))).toBe(4);
  });

  it('refuse what comes while as many wait as may, and say so of what only claims to be from there, until that has ended', async () => {
    const flood = await calls('flood', LIMITS.atOnce + LIMITS.waiting, 'LT1');
    expect(flood.every(({ taken }) => taken)).toBe(true);
    expect((await calls('flood', 1))[0].taken).toBe(false);
    expect([isFull(slots, 'LT1', LIMITS), isFull(slots, 'LT2', LIMITS)]).toEqual([true, false]);
    flood[0].call.end();
    expect(isFull(slots, 'LT1', LIMITS)).toBe(false);
    expect((await calls('flood', 1))[0].taken).toBe(true);
    expect(isFull(slots, 'LT1', LIMITS)).toBe(true);
  });
});

describe('a caller that stands back', () => {
  const slots = new CallerSlots();
  let others = true;
  let farAhead = false;
  const place = { line: 'flood', standsBack: () => others, standsFarBack: () => farAhead };
  const made: Call[] = [];
  const begun = () => made.filter((call) => call.begun).length;
  const send = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      const call = new Call();
      made.push(call);
      void slots.enter(place, 'key', call as never, LIMITS)?.then(() => (call.begun = true));
    }
    await settled();
  };
  const pass = async (ms: number) => {
    jest.advanceTimersByTime(ms);
    await settled();
  };
  beforeAll(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
  afterAll(() => jest.useRealTimers());

  it('has one request worked on, and rests after it for twice as long as it took', async () => {
    await send(300);
    expect([begun(), slots.waiting]).toEqual([1, LIMITS.waiting]);
    await pass(20);
    made[0].end();
    await pass(39);
    expect(begun()).toBe(1);
    await pass(1);
    expect(begun()).toBe(2);
  });

  it('rests 50 ms at most: a slow upload was no work of the platform', async () => {
    await pass(60_000);
    made[1].end();
    await pass(49);
    expect(begun()).toBe(2);
    await pass(1);
    expect(begun()).toBe(3);
  });

  it('rests sixteen times as long as it took, and half a second at most, when it stands far back', async () => {
    farAhead = true;
    await pass(20);
    made[2].end();
    await pass(319);
    expect(begun()).toBe(3);
    await pass(1);
    expect(begun()).toBe(4);
    await pass(100);
    made[3].end();
    await pass(499);
    expect(begun()).toBe(4);
    await pass(1);
    expect(begun()).toBe(5);
    farAhead = false;
  });

  it('has all its slots again when the others are gone', async () => {
    others = false;
    made[4].end();
    await settled();
    expect(begun()).toBe(9);
  });

  it('stands far back only once its line has not been empty for a second', async () => {
    for (const call of made.splice(0)) call.end();
    await pass(1000);
    others = farAhead = true;
    await send(3);
    const rest = async () => {
      await pass(100);
      const before = begun();
      made.find((call) => call.begun && call.listenerCount('close') > 0)?.end();
      for (let ms = 0; ms < 1000; ms += 10) {
        if (begun() > before) return ms;
        await pass(10);
      }
      return undefined;
    };
    const [first, second] = [await rest(), await rest()];
    await pass(2000);
    expect([first, second, slots.waiting]).toEqual([50, 50, 0]);
    await send(3);
    expect(await rest()).toBe(50);
    await pass(1000);
    expect(await rest()).toBe(500);
    farAhead = false;
  });

  it('catches up after a delay with five a second, each of which takes 100 ms', async () => {
    for (const call of made.splice(0)) call.end();
    await pass(1000);
    others = true;
    await send(15);
    const waited: number[] = [];
    let ticks = 0;
    for (let tick = 0; tick < 2000; tick += 1) {
      if (tick % 20 === 0) await send(1);
      const running = made.find((call) => call.begun && call.listenerCount('close') > 0);
      ticks = running ? ticks + 1 : 0;
      if (ticks === 10) {
        running?.end();
        ticks = 0;
      }
      await pass(10);
      waited.push(slots.waiting);
    }
    expect(Math.max(...waited.slice(0, 100))).toBeGreaterThan(10);
    expect(Math.max(...waited.slice(-100))).toBeLessThanOrEqual(1);
  });

  it('that has nothing waiting does not rest', async () => {
    others = true;
    for (const call of made) call.end();
    await pass(5000);
    expect(slots.waiting).toBe(0);
    for (const call of made.splice(0)) call.end();
    await send(1);
    made[0].end();
    await send(1);
    expect(begun()).toBe(2);
  });
});

describe('a line in which one should not wait long', () => {
  const limits = { atOnce: 4, waiting: 32, waitMs: 1000 };
  const slots = new CallerSlots();
  const made: Call[] = [];
  const enter = () => {
    const call = new Call();
    const slot = slots.enter(
      { line: 'flood', standsBack: () => false, standsFarBack: () => false },
      'key',
      call as never,
      limits,
    );
    if (slot) made.push(call);
    return slot !== undefined;
  };
  beforeAll(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
  afterAll(() => jest.useRealTimers());

  it('refuses whom those before it would keep waiting longer, by what they take', async () => {
    for (let n = 0; n < 9; n += 1) enter();
    jest.advanceTimersByTime(400);
    made[0].end();
    // Four run for 400 ms each, four wait: a tenth of a second for each that waits.
    const places = Array.from({ length: 9 }, enter).filter((taken) => taken).length;
    expect([places, slots.waiting, isFull(slots, 'key', limits)]).toEqual([6, 10, true]);
    made[1].end();
    expect(isFull(slots, 'key', limits)).toBe(false);
  });

  it('lets as many wait as are worked on, however long that takes', () => {
    for (const call of made.splice(0)) call.end();
    for (let n = 0; n < 5; n += 1) enter();
    jest.advanceTimersByTime(60_000);
    made[0].end();
    const places = Array.from({ length: 9 }, enter).filter((taken) => taken).length;
    expect([places, slots.waiting]).toEqual([4, 4]);
  });
});

describe('who claims to call', () => {
  it('is the key of the signature, or the token', () => {
    const input = 'sig=("@method");created=1;keyid="LT1";alg="hmac-sha256"';
    expect(claimOf({ headers: { 'signature-input': input } })).toBe('LT1');
    expect(claimOf({ headers: { authorization: 'Bearer abc' } })).toBe('Bearer abc');
  });

  it('is nobody where nothing is signed', () => {
    expect(claimOf({ headers: {} })).toBeUndefined();
    expect(claimOf({ headers: { 'signature-input': 'sig=()' } })).toBeUndefined();
  });
});
