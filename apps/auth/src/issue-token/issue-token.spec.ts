import { currentActor, type NewAuditEntry } from '@lienthong/persistence';
import { BEARER_TOKEN, newPlatformKey, verifyToken } from '@lienthong/signing';
import { OAuthError, type TokenClient } from './authenticate-client';
import { IssueToken } from './issue-token';

const ISSUER = 'https://lienthong.example';
const CLIENT: TokenClient = {
  accessKey: 'AK1',
  systemId: 'H01.14/qlvb',
  bearer: true,
  dissolved: false,
  expiresAt: null,
};

function step({
  client = CLIENT,
  granted = ['edxml.document', 'file'],
}: { client?: TokenClient; granted?: string[] } = {}) {
  const { publicJwk, ...key } = newPlatformKey();
  const entries: (NewAuditEntry & { actor: string; systemId: string | null })[] = [];
  const proofs: unknown[] = [];
  const issueToken = new IssueToken(
    {
      authenticate: async (form, authorization) => {
        proofs.push([form.get('grant_type'), authorization]);
        return client;
      },
    },
    { of: async () => granted },
    { current: async () => key },
    { record: async (new_) => void entries.push(...new_.map((entry) => ({ ...entry, ...currentActor() }))) },
    { publicUrl: ISSUER, tokenSeconds: 3600 },
    Date,
  );
  const issue = (form: Record<string, string> | string) => issueToken.issue(new URLSearchParams(form), 'Basic x');
  const claimsOf = (token: string) =>
    verifyToken(token, {
      type: BEARER_TOKEN,
      issuer: ISSUER,
      audience: ISSUER,
      jwks: { keys: [publicJwk] },
      now: Date.now(),
    });
  return { issue, claimsOf, entries, proofs };
}
const GRANT = { grant_type: 'client_credentials' };

describe('issue-token', () => {
  it('gives a token for an hour that names key, system and data services, and records it as done by the key', async () => {
    const { issue, claimsOf, entries } = step();
    const answer = await issue({ ...GRANT, scope: 'file  file' });
    expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'file' });
    const claims = await claimsOf(answer.access_token);
    expect(claims).toMatchObject({ sub: 'AK1', client_id: 'AK1', system: 'H01.14/qlvb', scope: 'file' });
    expect(entries).toEqual([
      {
        action: 'token.issued',
        subject: 'AK1',
        detail: { jti: claims?.jti, scope: 'file', exp: claims?.exp },
        actor: 'AK1',
        systemId: 'H01.14/qlvb',
      },
    ]);
  });

  it('gives all that is granted when nothing is asked for, and with * whatever is asked for', async () => {
    expect((await step().issue(GRANT)).scope).toBe('edxml.document file');
    expect((await step({ granted: ['*'] }).issue({ ...GRANT, scope: 'file' })).scope).toBe('file');
    expect((await step({ granted: ['*'] }).issue(GRANT)).scope).toBe('*');
  });

  it('ends with the key at the latest, and gives none in its last second', async () => {
    const { issue } = step({ client: { ...CLIENT, expiresAt: new Date(Date.now() + 60_500) } });
    expect([60, 61]).toContain((await issue(GRANT)).expires_in);
    const ending = step({ client: { ...CLIENT, expiresAt: new Date() } });
    await expect(ending.issue(GRANT)).rejects.toMatchObject({ code: 'invalid_client', status: 401 });
    expect(ending.entries).toEqual([]);
  });

  it.each([
    ['a key that is not marked', { client: { ...CLIENT, bearer: false } }, {}, 'unauthorized_client'],
    ['an administrator’s key', { client: { ...CLIENT, systemId: null } }, {}, 'unauthorized_client'],
    ['a system of a dissolved agency', { client: { ...CLIENT, dissolved: true } }, {}, 'unauthorized_client'],
    ['a data service that is not granted', {}, { scope: 'file hoso.motcua' }, 'invalid_scope'],
    ['a system that is granted nothing', { granted: [] }, {}, 'invalid_scope'],
    ['* for who is granted less', {}, { scope: '*' }, 'invalid_scope'],
  ])('refuses %s, and records the refusal', async (_, of, more, code) => {
    const { issue, entries } = step(of);
    await expect(issue({ ...GRANT, ...more })).rejects.toMatchObject({ code, status: 400 });
    expect(entries).toMatchObject([
      { action: 'access.refused', subject: 'POST /oauth2/token', actor: 'AK1', detail: { code } },
    ]);
  });

  it.each([
    ['no grant type', 'scope=file', 'invalid_request'],
    ['another grant', 'grant_type=password', 'unsupported_grant_type'],
    ['a parameter twice', 'grant_type=client_credentials&scope=a&scope=b', 'invalid_request'],
  ])('asks nobody who it is for %s', async (_, form, code) => {
    const { issue, proofs } = step();
    const refused = issue(form);
    await expect(refused).rejects.toThrow(OAuthError);
    await expect(refused).rejects.toMatchObject({ code });
    expect(proofs).toEqual([]);
  });
});
