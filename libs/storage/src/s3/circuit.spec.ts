import { Circuit } from './circuit';

describe('a circuit', () => {
  let now: number;
  let circuit: Circuit;
  beforeEach(() => {
    now = 0;
    circuit = new Circuit(() => now);
  });
  const calls = (count: number, answered: boolean) => {
    for (let n = 0; n < count; n += 1) circuit.note(answered);
  };

  it.each([
    [10, 2, false],
    [8, 3, true],
    [12, 3, false],
    [0, 2, false],
    [0, 3, true],
    [400, 100, false],
    [399, 101, true],
  ])('after %i answered calls and %i failed ones within half a minute is open: %s', (answered, failed, open) => {
    calls(answered, true);
    now = 20_000;
    calls(failed, false);
    expect(circuit.isOpen).toBe(open);
  });

  it('forgets what failed half a minute ago', () => {
    calls(2, false);
    now = 30_000;
    calls(2, false);
    expect(circuit.isOpen).toBe(false);
  });

  it('stays open for ten seconds, whatever is answered meanwhile, and until a call after them is', () => {
    calls(3, false);
    now = 9_999;
    calls(100, true);
    expect(circuit.isOpen).toBe(true);
    now = 10_000;
    expect(circuit.isOpen).toBe(true);
    circuit.note(true);
    expect(circuit.isOpen).toBe(false);
    calls(2, false);
    expect(circuit.isOpen).toBe(false);
  });

  it('is open for ten seconds more when the first call after them fails', () => {
    calls(3, false);
    now = 10_000;
    circuit.note(false);
    now = 19_999;
    circuit.note(true);
    expect(circuit.isOpen).toBe(true);
    now = 20_000;
    circuit.note(true);
    expect(circuit.isOpen).toBe(false);
  });
});
