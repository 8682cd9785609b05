import { LienThongError } from '@lienthong/contracts';
import { RefusesForgeries } from './refuses-forgeries';

const AT = Date.parse('2026-11-21T08:00:00Z');
type Asked = { rawHeaders: string[] };
const keys = { newestSealed: async () => [{ accessKey: 'AK1', systemId: null, sealedSecret: Buffer.alloc(1) }] };

function canary(answer: (keyId: string) => Promise<never>, now: () => number = () => AT) {
  let look: () => Promise<void> = () => Promise.reject(new Error('not registered'));
  let asked = 0;
  const authenticate = ({ rawHeaders }: Asked) => {
    asked += 1;
    const text = rawHeaders.join(' ');
    expect(Number(/created=(\d+)/.exec(text)?.[1])).toBe(Math.floor(now() / 1000));
    return answer(/keyid="(\w+)"/.exec(text)?.[1] ?? '');
  };
  const health = {
    register: (_name: string, check: () => Promise<void>) => {
      look = check;
      return () => undefined;
    },
  };
  new RefusesForgeries({ authenticate }, keys, health, { now }).onModuleInit();
  return { look: () => look(), asked: () => asked };
}

const honest = (keyId: string) =>
  Promise.reject(new LienThongError(keyId === 'AK1' ? 'signature_invalid' : 'unknown_key'));

describe('the canary', () => {
  it('is content with a process that refuses what is forged, and asks no more', async () => {
    const { look, asked } = canary(honest);
    await look();
    await look();
    expect(asked()).toBe(2);
  });

  it('signs by the clock of the database, whatever the process’s own shows', async () => {
    const { look } = canary(honest, () => Date.parse('2031-01-01T00:00:00Z'));
    await expect(look()).resolves.toBeUndefined();
  });

  it('keeps a process out of service that lets a forged request in', async () => {
    const { look } = canary(async () => ({}) as never);
    await expect(look()).rejects.toThrow('A forged request was let in');
    await expect(look()).rejects.toThrow('A forged request was let in');
  });

  it('tells an outage from a refusal, and looks again', async () => {
    let away = true;
    const { look } = canary((keyId) => (away ? Promise.reject(new LienThongError('unavailable')) : honest(keyId)));
    await expect(look()).rejects.toMatchObject({ code: 'unavailable' });
    away = false;
    await expect(look()).resolves.toBeUndefined();
  });
});
