import type { SignatureCheck, SignatureCheckAnswer } from '@lienthong/contracts';
import { signatureBase, signRequest } from '@lienthong/signing';
import { eventually } from '../support/eventually';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(120_000);

/** The signature debugger (protocol 4), which nobody signs: check-signature. */
describe('check-signature', () => {
  let platform: Platform;
  let source: Party;
  const at = () => ({ created: Math.floor(Date.now() / 1000), nonce: crypto.randomUUID() });

  beforeAll(async () => {
    platform = await startPlatform();
    source = await platform.makeParty();
  });
  afterAll(() => platform?.stop());

  const check = (body: SignatureCheck) =>
    platform.fetch<SignatureCheckAnswer>('/v1/signature-checks', { method: 'POST', body });

  it('shows what the platform verifies of a request that it then takes: it used up neither nonce nor signature', async () => {
    const [request, options] = [{ method: 'GET', target: '/v1/deliveries?limit=1' }, at()];
    const headers = signRequest(request, source.key, options);
    const own = signatureBase(request, source.key, options);
    const { status, json, text } = await check({ ...request, headers, signatureBase: own });
    expect(status).toBe(200);
    expect(json).toMatchObject({ signatureBase: own, key: 'known', failed: null, difference: null });
    expect(Math.abs(json.clockSkewSeconds ?? 99)).toBeLessThan(5);
    expect(text).not.toContain(source.key.secret);
    const raw = await fetch(platform.baseUrl + request.target, { headers });
    expect(raw.status).toBe(200);
    expect((await fetch(platform.baseUrl + request.target, { headers })).status).toBe(401);
    expect((await check({ ...request, headers })).json).toMatchObject({ key: 'known', failed: null });
  });

  it('finds the first wrong byte in the text of a client that forgets the question mark', async () => {
    const [request, options] = [{ method: 'GET', target: '/v1/deliveries' }, at()];
    const own = signatureBase(request, source.key, options).replace('"@query": ?', '"@query": ');
    const lines = Object.entries(signRequest(request, source.key, options)).map(([name, value]) => `${name}: ${value}`);
    const http = ['GET /v1/deliveries HTTP/1.1', ...lines, '', ''].join('\r\n');
    const { json } = await check({ http, signatureBase: own });
    expect(json).toMatchObject({ failed: null, difference: { line: 3, offset: own.indexOf('"@query": ') + 10 } });
  });

  it('does not tell a forged signature from a right one, nor a revoked key from one in force', async () => {
    const [request, options] = [{ method: 'GET', target: '/v1/deliveries' }, at()];
    const headers = signRequest(request, source.key, options);
    const forged = { ...headers, signature: `sig=:${Buffer.alloc(32).toString('base64')}:` };
    const plain = ({ json }: Awaited<ReturnType<typeof check>>) => ({ ...json, serverTime: '', clockSkewSeconds: 0 });
    const right = plain(await check({ ...request, headers }));
    expect(plain(await check({ ...request, headers: forged }))).toEqual(right);
    await platform.admin.admin.keys.revoke(source.systemId, source.key.keyId);
    expect(plain(await check({ ...request, headers }))).toEqual(right);
    // The request itself tells, to who has the key, once every instance knows.
    await eventually(
      async () => (await platform.fetch(request.target, { key: source.key })).json.code === 'key_revoked',
    );
  });
});
