import { LienThongError } from '@lienthong/contracts';
import { ArrivingCallers } from './arriving-callers';

const KEY = { accessKey: 'AK1', keyId: 'AK1' };

function world(who: { systemId: string | null } | LienThongError) {
  const asked: string[] = [];
  const answer = async (by: string) => {
    asked.push(by);
    if (who instanceof LienThongError) throw who;
    return { ...KEY, ...who } as never;
  };
  const known: Parameters<ConstructorParameters<typeof ArrivingCallers>[0]['knowBy']>[0][] = [];
  const callers = new ArrivingCallers(
    { knowBy: (recognise) => void known.push(recognise) },
    { recognise: ({ method, target }) => answer(`${method} ${target}`) },
    { authenticate: (token) => answer(token) },
  );
  callers.onModuleInit();
  const recognise = (headers: Record<string, string>) =>
    known[0]({ method: 'POST', originalUrl: '/v1/x?q=1', rawHeaders: [], headers } as never);
  return { asked, recognise };
}

const SIGNED = { 'signature-input': 'sig=()', signature: 'sig=:x:' };

describe('who arrives', () => {
  it('is the system, by its signature or token, whatever key or session it used', async () => {
    const { asked, recognise } = world({ systemId: 'H01/a' });
    expect(await recognise(SIGNED)).toBe('H01/a');
    expect(await recognise({ authorization: 'Bearer a.b.c' })).toBe('H01/a');
    expect(await recognise({ ...SIGNED, authorization: 'Bearer a.b.c' })).toBe('H01/a');
    expect(asked).toEqual(['POST /v1/x?q=1', 'a.b.c', 'POST /v1/x?q=1']);
  });

  it('is the key of an administrator, who belongs to no system', async () => {
    expect(await world({ systemId: null }).recognise(SIGNED)).toBe('AK1');
  });

  it('is nobody when nothing is proven: why, the guard says', async () => {
    expect(await world(new LienThongError('signature_invalid')).recognise(SIGNED)).toBeUndefined();
  });
});
