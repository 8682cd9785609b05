import { type AccessCheckRequest, type ErrorCode, LienThongError } from '@lienthong/contracts';
import { SessionKeys } from '@lienthong/identity';
import type { AccessRight, NewAuditEntry, Unit } from '@lienthong/persistence';
import { ACCESS_TOKEN, BEARER_TOKEN, newPlatformKey, platformKeyOf, signRequest, signToken } from '@lienthong/signing';
import { CheckAccess } from './check-access';

const ISSUER = 'https://lienthong.example';
const [SOURCE, DESTINATION, OTHER] = ['H01.14/qlvb', 'H01.20/motcua', 'H01.31/khac'];
const SESSION = '0197f0aa-0000-7000-8000-000000000001';
const INVALID = { active: false, code: 'invalid_token' };
const { publicJwk, kid, privatePem } = newPlatformKey();
const sessionKeys = new SessionKeys({ of: async (day) => Buffer.from(day) });
const seconds = Math.floor(Date.now() / 1000);
const CLAIMS = {
  iss: ISSUER,
  sub: SOURCE,
  aud: DESTINATION,
  purpose: 'access',
  sid: SESSION,
  jti: '1',
  iat: seconds,
  exp: seconds + 60,
};
const tokenOf = (claims: Partial<typeof CLAIMS> & Record<string, unknown> = {}, type = ACCESS_TOKEN) =>
  signToken({ ...CLAIMS, ...claims }, type, platformKeyOf(kid, privatePem));

interface World {
  right?: AccessRight;
  ended?: ErrorCode;
  dissolvedAt?: string | null;
  system?: boolean;
}

function step({ right = { destination: DESTINATION }, ended, dissolvedAt = null, system = true }: World = {}) {
  const used = new Set<string>();
  let committed = 0;
  const units: { nonces: string[]; entries: NewAuditEntry[] }[] = [];
  const recordOf = (unit: Unit) => unit as unknown as (typeof units)[number];
  const agency = {
    code: 'H01.14',
    name: 'Sở Nội vụ',
    parentCode: null,
    aliases: [],
    contact: null,
    successorCode: null,
  };
  const check = new CheckAccess(
    { jwks: async () => ({ keys: [publicJwk] }) },
    { publicUrl: ISSUER },
    {
      assertStillValid: async () => {
        if (ended) throw new LienThongError(ended);
      },
    },
    { find: async () => right },
    {
      find: async (id) =>
        system
          ? {
              id,
              agencyCode: 'H01.14',
              name: 'QLVB',
              receives: [],
              contact: null,
              default: false,
              suspendedAt: null,
              createdAt: '',
            }
          : undefined,
    },
    { find: async () => ({ ...agency, dissolvedAt, createdAt: '' }) },
    sessionKeys,
    {
      useIn: async (unit, key, nonce) => {
        recordOf(unit).nonces.push(key);
        return used.size < used.add(`${key} ${nonce}`).size;
      },
    },
    { add: (unit, entries) => void recordOf(unit).entries.push(...entries) },
    {
      run: async (work) => {
        const unit = { nonces: [], entries: [] };
        units.push(unit);
        const result = await work(unit as unknown as Unit);
        committed++;
        return result;
      },
    },
    Date,
  );
  return { check, units, committed: () => committed };
}

/** A request of the source to the destination's service, signed by the session's key unless told otherwise. */
async function requestOf(
  accessToken: string,
  {
    keyId = SESSION,
    secret,
    cover = ['authorization'],
    created,
    target = '/ho-so?trang=2',
  }: { keyId?: string; secret?: string; cover?: string[]; created?: number; target?: string } = {},
): Promise<NonNullable<AccessCheckRequest['request']>> {
  const authorization = `Bearer ${accessToken}`;
  const key = { keyId, alg: 'hmac-sha256' as const, secret: secret ?? (await sessionKeys.of(SESSION)) };
  const headers = signRequest({ method: 'GET', target, headers: { authorization } }, key, { cover, created });
  return { method: 'GET', path: '/ho-so', query: '?trang=2', headers: { authorization, ...headers } };
}

describe('check-access', () => {
  it('tells the destination who calls, and until when', async () => {
    const { check, units } = step();
    expect(await check.check(DESTINATION, { accessToken: await tokenOf() })).toEqual({
      active: true,
      source: { systemId: SOURCE, agencyCode: 'H01.14', name: 'QLVB' },
      expiresAt: new Date(CLAIMS.exp * 1000).toISOString(),
    });
    expect(units).toEqual([
      {
        nonces: [],
        entries: [
          {
            action: 'access.checked',
            subject: SOURCE,
            detail: { source: SOURCE, destination: DESTINATION, sessionId: SESSION, active: true },
          },
        ],
      },
    ]);
  });

  it.each([
    ['made for another destination', () => tokenOf({ aud: OTHER })],
    ['of another issuer', () => tokenOf({ iss: 'https://elsewhere.example' })],
    ['for another purpose', () => tokenOf({ purpose: 'stream' })],
    ['without a purpose', () => tokenOf({ purpose: undefined })],
    ['without a session', () => tokenOf({ sid: undefined })],
    ['of OAuth', () => tokenOf({}, BEARER_TOKEN)],
    ['that has expired', () => tokenOf({ exp: seconds - 1 })],
    ['that is none', async () => 'a.b.c'],
    ['that is empty', async () => ''],
  ])('has one answer, and one entry without a source, for a token %s', async (_, token) => {
    const { check, units } = step();
    expect(await check.check(DESTINATION, { accessToken: await token() })).toEqual(INVALID);
    const detail = { source: null, destination: DESTINATION, sessionId: null, ...INVALID };
    expect(units).toEqual([{ nonces: [], entries: [{ action: 'access.checked', subject: 'unknown', detail }] }]);
  });

  it.each<[string, World]>([
    ['whose session ended', { ended: 'session_expired' }],
    ['whose key was revoked', { ended: 'key_revoked' }],
    ['whose key has expired', { ended: 'key_expired' }],
    ['whose agency was dissolved', { dissolvedAt: '2026-01-01T00:00:00.000Z' }],
    ['whose system is no more', { system: false }],
    ['that is no longer granted', { right: { refused: 'not_granted' } }],
    ['to a destination that is suspended', { right: { refused: 'system_suspended' } }],
  ])('has the same answer for a source %s; the audit log knows whose token it was', async (_, world) => {
    const { check, units } = step(world);
    const accessToken = await tokenOf();
    const request = await requestOf(accessToken);
    expect(await check.check(DESTINATION, { accessToken, request })).toEqual(INVALID);
    expect(units).toMatchObject([
      { nonces: [], entries: [{ subject: SOURCE, detail: { source: SOURCE, ...INVALID } }] },
    ]);
  });

  it('does not call an outage an answer', async () => {
    const { check, committed } = step({ ended: 'unavailable' });
    await expect(check.check(DESTINATION, { accessToken: await tokenOf() })).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(committed()).toBe(0);
  });

  it('takes a signed request once, its nonce and the entry in one transaction', async () => {
    const { check, units } = step();
    const accessToken = await tokenOf();
    const request = await requestOf(accessToken);
    expect(await check.check(DESTINATION, { accessToken, request })).toMatchObject({ active: true });
    expect(await check.check(DESTINATION, { accessToken, request })).toEqual({
      active: false,
      code: 'replayed_request',
    });
    const nonces = [`access:${DESTINATION}:${SESSION}`];
    expect(units).toMatchObject([
      { nonces, entries: [{ detail: { active: true } }] },
      { nonces, entries: [{ detail: { active: false, code: 'replayed_request' } }] },
    ]);
  });

  it.each([
    ['of another session', { keyId: '0197f0aa-0000-7000-8000-000000000002' }, 'signature_invalid'],
    ['with another secret', { secret: 'guessed' }, 'signature_invalid'],
    ['of another target', { target: '/ho-so?trang=3' }, 'signature_invalid'],
    ['that does not cover the token', { cover: [] }, 'signature_incomplete'],
    ['of an hour ago', { created: seconds - 3600 }, 'clock_skew'],
  ])('refuses a request %s, and takes no nonce for it', async (_, how, code) => {
    const { check, units } = step();
    const accessToken = await tokenOf();
    const request = await requestOf(accessToken, how);
    expect(await check.check(DESTINATION, { accessToken, request })).toEqual({ active: false, code });
    expect(units).toMatchObject([{ nonces: [], entries: [{ subject: SOURCE, detail: { active: false, code } }] }]);
  });

  it('refuses a request that was signed together with another token, or repeats the header', async () => {
    const { check } = step();
    const [accessToken, second] = [await tokenOf(), await tokenOf({ jti: '2' })];
    const request = await requestOf(second);
    const refused = { active: false, code: 'signature_incomplete' };
    expect(await check.check(DESTINATION, { accessToken, request })).toEqual(refused);
    const own = await requestOf(accessToken);
    const twice = { ...own, headers: { ...own.headers, Authorization: `Bearer ${accessToken}` } };
    expect(await check.check(DESTINATION, { accessToken, request: twice })).toMatchObject({ active: false });
  });
});
