import { LienThongError } from '@lienthong/contracts';
import { RefusesForgeries } from './refuses-forgeries';

type Asked = { rawHeaders: string[] };
const keys = { newestSealed: async () => [{ accessKey: 'AK1', systemId: null, sealedSecret: Buffer.alloc(1) }] };

function canary(answer: (keyId: string) => Promise<never>) {
  let look: () => Promise<void> = () => Promise.reject(new Error('not registered'));
  let asked = 0;
  const authenticate = ({ rawHeaders }: Asked) => {
    asked += 1;
    return answer(/keyid="(\w+)"/.exec(rawHeaders.join(' '))?.[1] ?? '');
  };
  const health = {
    register: (_name: string, check: () => Promise<void>) => {
      look = check;
      return () => undefined;
    },
  };
  new RefusesForgeries({ authenticate }, keys, health).onModuleInit();
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
