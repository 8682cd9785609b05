import type { AccessRight } from '@lienthong/persistence';
import { ACCESS_TOKEN, BEARER_TOKEN, newPlatformKey, verifyToken } from '@lienthong/signing';
import { GrantAccess, PURPOSE } from './grant-access';

const ISSUER = 'https://lienthong.example';
const [SOURCE, DESTINATION] = ['H01.14/qlvb', 'H01.20/motcua'];

function step(right: AccessRight = { destination: DESTINATION }) {
  const { publicJwk, ...key } = newPlatformKey();
  const access = new GrantAccess(
    { find: async () => right },
    { current: async () => key },
    { publicUrl: ISSUER },
    Date,
  );
  const verify = (token: string, audience = DESTINATION, type = ACCESS_TOKEN, now = Date.now()) =>
    verifyToken(token, { type, issuer: ISSUER, audience, jwks: { keys: [publicJwk] }, now });
  return { access, verify };
}

describe('the right to call another system', () => {
  it('is given to the system that is on record, whatever form of its code was asked for', async () => {
    const decided = await step().access.decide(SOURCE, '000.00.20.H01/motcua');
    expect(decided).toEqual({ source: SOURCE, destination: DESTINATION });
  });

  it.each(['not_granted', 'agency_dissolved', 'system_suspended'] as const)(
    'is refused with the reason %s',
    async (reason) => {
      await expect(step({ refused: reason }).access.decide(SOURCE, DESTINATION)).rejects.toMatchObject({
        code: 'access_denied',
        members: { reason },
      });
    },
  );

  it('is no administrator’s, who is no system', async () => {
    await expect(step().access.decide(null, DESTINATION)).rejects.toMatchObject({ members: { reason: 'not_granted' } });
  });

  it('is a token bound to source, destination, purpose and session, and ends with the session', async () => {
    const { access, verify } = step();
    const expiresAt = new Date(Math.floor(Date.now() / 1000) * 1000 + 60_999);
    const grant = await access.grant({ source: SOURCE, destination: DESTINATION, sessionId: 'S', expiresAt });
    expect(Date.parse(grant.expiresAt)).toBeLessThanOrEqual(expiresAt.getTime());
    const { accessToken } = grant;
    expect(await verify(accessToken)).toMatchObject({ sub: SOURCE, aud: DESTINATION, purpose: PURPOSE, sid: 'S' });
    expect(await verify(accessToken, SOURCE)).toBeUndefined();
    expect(await verify(accessToken, DESTINATION, BEARER_TOKEN)).toBeUndefined();
    expect(await verify(accessToken, DESTINATION, ACCESS_TOKEN, expiresAt.getTime() + 1)).toBeUndefined();
  });
});
