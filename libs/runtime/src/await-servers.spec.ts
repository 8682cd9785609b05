import { awaitServers } from './await-servers';
import { BootError } from './process';

const away = () =>
  Promise.reject(Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }));
const log = () => {
  const said: string[] = [];
  const say = (_fields: object | string, text?: string) => void said.push(text ?? '');
  return { said, warn: say, info: say };
};

describe('awaitServers', () => {
  it('waits for a server that starts later, and says what it waits for', async () => {
    let looks = 0;
    const lines = log();
    await awaitServers(
      { database: async () => (++looks < 3 ? away() : undefined), storage: async () => undefined },
      { STARTUP_WAIT_SECONDS: 30 },
      lines,
    );
    expect(looks).toBe(3);
    expect(lines.said).toEqual(['waiting for the database', 'waiting for the database', 'database answers']);
  });

  it('gives up after the time in one sentence, without a password', async () => {
    const withPassword = () =>
      Promise.reject(Object.assign(new Error('no postgres://u:hidden@h/d'), { code: 'ETIMEDOUT' }));
    const waiting = awaitServers({ database: withPassword }, { STARTUP_WAIT_SECONDS: 0 }, log());
    await expect(waiting).rejects.toThrow(BootError);
    await expect(waiting).rejects.toThrow(/^No use of the database within 0 s .*STARTUP_WAIT_SECONDS/);
    await expect(waiting).rejects.not.toThrow('hidden');
  });

  it('does not wait for what waiting does not mend', async () => {
    const wrongPassword = () => Promise.reject(Object.assign(new Error('authentication failed'), { code: '28P01' }));
    const lines = log();
    await awaitServers({ database: wrongPassword }, { STARTUP_WAIT_SECONDS: 30 }, lines);
    expect(lines.said).toEqual([]);
  });
});
