import { AuditBacklog } from './audit-backlog';

describe('what is not sealed', () => {
  it('closes the platform to new packets when it is too old, and only then', async () => {
    let [seconds, now, asked] = [4 * 3600, 0, 0];
    const unsealed = async () => {
      asked++;
      return { entries: 1, seconds };
    };
    const backlog = new AuditBacklog({ unsealed }, 4, () => now);
    await backlog.mustBeSealed();
    seconds++;
    await backlog.mustBeSealed();
    expect(asked).toBe(1);
    now += 15_000;
    await expect(backlog.mustBeSealed()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(backlog.mustBeSealed()).rejects.toMatchObject({ code: 'unavailable' });
    expect(asked).toBe(2);
    [seconds, now] = [0, now + 15_000];
    await backlog.mustBeSealed();
  });
});
