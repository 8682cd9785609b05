import { EventEmitter } from 'node:events';
import { CallerSlots, claimedCaller } from './caller-slots';

const MOST = 256;

/** A request that has begun when its slot is there, and ends when it is told to. */
class Call extends EventEmitter {
  begun = false;

  end(): void {
    this.emit('close');
  }
}

describe('the slots of a caller', () => {
  let slots: CallerSlots;
  beforeEach(() => {
    slots = new CallerSlots();
  });

  const calls = (caller: string, count: number): { call: Call; taken: boolean }[] =>
    Array.from({ length: count }, () => {
      const call = new Call();
      return { call, taken: slots.enter(caller, call as never, MOST, () => (call.begun = true)) };
    });
  const begun = (made: { call: Call }[]): number => made.filter(({ call }) => call.begun).length;

  it('are 4: the others wait, and begin in their order as those end', () => {
    const flood = calls('flood', 30);
    expect([begun(flood), slots.waiting]).toEqual([4, 26]);
    flood[1].call.end();
    flood[3].call.end();
    expect(flood.findLastIndex(({ call }) => call.begun)).toBe(5);
    for (const { call } of flood) call.end();
    expect([begun(flood), slots.waiting]).toEqual([30, 0]);
  });

  it('are its own: nobody waits for the requests of another', () => {
    calls('flood', 200);
    expect(begun(calls('other', 4))).toBe(4);
  });

  it('are not taken by a request whose client is gone, nor kept by one that ended', () => {
    const flood = calls('flood', 20);
    flood[10].call.end();
    flood[8].call.end();
    expect(slots.waiting).toBe(14);
    for (const { call } of flood) if (call.begun) call.end();
    expect([flood[8].call.begun, flood[10].call.begun]).toEqual([false, false]);
    expect(begun(flood)).toBe(18);
    expect(begun(calls('flood', 4))).toBe(4);
  });

  it('refuse what comes while as many wait as may', () => {
    const flood = calls('flood', 4 + MOST + 1);
    expect(flood.filter(({ taken }) => !taken)).toEqual([flood.at(-1)]);
    flood[0].call.end();
    expect(calls('flood', 1)[0].taken).toBe(true);
  });
});

describe('who claims to call', () => {
  const of = (headers: Record<string, string>, ip = '10.0.0.1') => claimedCaller({ headers, ip });

  it('is the key of the signature at an address, or the token', () => {
    const input = 'sig=("@method");created=1;keyid="LT1";alg="hmac-sha256"';
    expect(of({ 'signature-input': input })).toBe('LT1 10.0.0.1');
    expect(of({ 'signature-input': input }, '10.0.0.2')).toBe('LT1 10.0.0.2');
    expect(of({ authorization: 'Bearer abc' })).toBe('Bearer abc 10.0.0.1');
  });

  it('is nobody where nothing is signed', () => {
    expect(of({})).toBeUndefined();
    expect(of({ 'signature-input': 'sig=()' })).toBeUndefined();
  });
});
