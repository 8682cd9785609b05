import { HealthChecks, NotReady } from './health-checks';

const fails = (error: unknown) => async () => {
  throw error;
};

describe('HealthChecks', () => {
  it('asks all checks at the same time and reports each', async () => {
    const health = new HealthChecks();
    const waiting: (() => void)[] = [];
    const both = () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 2) for (const go of waiting) go();
      });
    health.register('database', both);
    health.register('storage', both);
    expect(await health.readiness()).toEqual({ status: 'ready', checks: { database: 'ok', storage: 'ok' } });
  });

  it('shows only the code or the class of an error, its words only when they are meant to be shown', async () => {
    const health = new HealthChecks();
    health.register('database', fails(Object.assign(new Error('password canary refused'), { code: '28P01' })));
    health.register('storage', fails(new TypeError('https://u:canary@s3')));
    health.register('queue', fails(new NotReady('no consumer attached')));
    health.register('clock', () => {
      throw new RangeError('canary');
    });
    expect(await health.readiness()).toEqual({
      status: 'not ready',
      checks: { database: '28P01', storage: 'TypeError', queue: 'no consumer attached', clock: 'RangeError' },
    });
  });

  it('does not wait longer than 2 s for a check that hangs', async () => {
    jest.useFakeTimers();
    try {
      const health = new HealthChecks();
      health.register('queue', () => new Promise(() => undefined));
      const readiness = health.readiness();
      await jest.advanceTimersByTimeAsync(2_000);
      expect((await readiness).checks).toEqual({ queue: 'no answer in time' });
    } finally {
      jest.useRealTimers();
    }
  });

  it('is draining, whatever the checks say, once the process is about to end', async () => {
    expect((await new HealthChecks({ draining: true }).readiness()).status).toBe('draining');
  });
});
