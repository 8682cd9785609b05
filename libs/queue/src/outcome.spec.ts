import { LienThongError } from '@lienthong/contracts';
import { GIVEN_UP_COUNTS, MAX_ATTEMPTS, MAX_OUTAGE_ATTEMPTS, outcomeOf, outcomeOfGivenUp } from './outcome';

const lowest = () => 0;
const highest = () => 1;
const delays = (random: () => number) =>
  Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => {
    const outcome = outcomeOf(new Error('x'), index + 1, random);
    return outcome.kind === 'retry' ? outcome.delayMs / 1000 : null;
  });

describe('outcomeOf', () => {
  it('buries a task whose error is permanent, on the first attempt, with its code in the reason', () => {
    const error = new LienThongError('wrong_state', { state: 'completed', action: 'plan' });
    expect(outcomeOf(error, 1)).toEqual({ kind: 'dead', reason: expect.stringMatching(/^wrong_state: .*completed/) });
  });

  it.each(['unavailable', 'internal_error', 'storage_full', 'rate_limited'] as const)(
    'tries again after %s, which time may heal',
    (code) => {
      expect(outcomeOf(new LienThongError(code), 1).kind).toBe('retry');
    },
  );

  it('tries again after an error it does not know, whatever was thrown', () => {
    for (const error of [new Error('socket hang up'), 'a string', undefined, { status: 400 }])
      expect(outcomeOf(error, 1).kind).toBe('retry');
  });

  it('goes on for a week while a dependency is away, but not for ever', () => {
    const away = new LienThongError('unavailable', { what: 'storage', retryAfter: 5 });
    expect(outcomeOf(away, MAX_ATTEMPTS).kind).toBe('retry');
    expect(outcomeOf(away, MAX_OUTAGE_ATTEMPTS).kind).toBe('dead');
  });

  it('waits 1 s to 5 min, twice as long each time, with jitter of one half', () => {
    expect(delays(lowest)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 150, 150, 150]);
    expect(delays(highest)).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
  });

  it('gives up after the twelfth attempt', () => {
    expect(outcomeOf(new Error('disk on fire'), MAX_ATTEMPTS)).toEqual({
      kind: 'dead',
      reason: 'gave up after 12 attempts: Error: disk on fire',
    });
  });
});

describe('outcomeOfGivenUp', () => {
  it('tries a task again that the broker gave up for the first time, within a minute, apart from those it fell with', () => {
    expect(outcomeOfGivenUp(1, lowest)).toEqual({ kind: 'retry', delayMs: 1000 });
    expect(outcomeOfGivenUp(1, highest)).toEqual({ kind: 'retry', delayMs: 61_000 });
  });

  it('ends a task that is given up again, and one that had failed many times before', () => {
    for (const attempt of [1 + GIVEN_UP_COUNTS, MAX_ATTEMPTS, MAX_OUTAGE_ATTEMPTS])
      expect(outcomeOfGivenUp(attempt)).toEqual({ kind: 'dead', reason: expect.stringMatching(/^taken 50 times/) });
  });
});
