import { deadlineOf, type PlatformPolicy, policyOf, shownPolicy, withPolicy } from './policy';

const platform: PlatformPolicy = {
  deliverBySeconds: 432_000,
  deliverBySecondsMax: 2_592_000,
  keepAfterConfirmSeconds: 0,
  warnAt: [0.5, 0.8],
  allowPartial: false,
};
const now = new Date('2026-11-21T00:00:00.000Z');

describe('the policy in force', () => {
  it('is the platform’s where nobody says anything, and says so of each value', () => {
    const { policy, sources } = policyOf(platform, []);
    expect(shownPolicy(policy)).toEqual({ keepAfterConfirmSeconds: 0, warnAt: [0.5, 0.8], allowPartial: false });
    expect(sources).toEqual({
      deliverBy: 'platform',
      keepAfterConfirmSeconds: 'platform',
      warnAt: 'platform',
      allowPartial: 'platform',
    });
    expect(deadlineOf(policy, 'file', now)).toEqual(new Date('2026-11-26T00:00:00.000Z'));
  });

  it('takes each value from the nearest that sets it: data type, system, packet, completion', () => {
    const layers = [
      { source: 'dataType:file', rules: { deliverBySeconds: 3600, keepAfterConfirmSeconds: 60 } },
      { source: 'system:H01.14/qlvb', rules: { deliverBySeconds: 7200, warnAt: [0.9] } },
    ];
    const asked = withPolicy(policyOf(platform, layers), { allowPartial: true, warnAt: [0.1] }, 'packet');
    const { policy, sources } = withPolicy(asked, { warnAt: [0.3] }, 'completion');
    expect(shownPolicy(policy)).toEqual({ keepAfterConfirmSeconds: 60, warnAt: [0.3], allowPartial: true });
    expect(sources).toEqual({
      deliverBy: 'system:H01.14/qlvb',
      keepAfterConfirmSeconds: 'dataType:file',
      warnAt: 'completion',
      allowPartial: 'packet',
    });
    expect(deadlineOf(policy, 'file', now)).toEqual(new Date('2026-11-21T02:00:00.000Z'));
  });

  it('has the bound of the nearest, and never one beyond the platform’s', () => {
    const bound = (...most: number[]) =>
      policyOf(
        { ...platform, deliverBySecondsMax: 10_000 },
        most.map((deliverBySecondsMax) => ({ source: 'x', rules: { deliverBySecondsMax } })),
      ).policy.deliverBySecondsMax;
    expect([bound(), bound(5000), bound(5000, 8000), bound(20_000)]).toEqual([10_000, 5000, 8000, 10_000]);
    const { policy } = policyOf({ ...platform, deliverBySecondsMax: 100 }, []);
    expect(deadlineOf(policy, 'file', now)).toEqual(new Date('2026-11-21T00:01:40.000Z'));
    expect(() => deadlineOf({ ...policy, deliverBy: '2026-11-21T00:02:00.000Z' }, 'file', now)).toThrow();
  });
});
