import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { IssuedKey } from '@lienthong/contracts';
import { createRemoteJWKSet, jwtVerify, SignJWT } from 'jose';
import { eventually } from '../support/eventually';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(120_000);

type Answer = { access_token: string; expires_in: number; scope: string; error?: string };

describe('OAuth 2 for programs that cannot sign', () => {
  let platform: Platform;
  let party: Party;
  let destination: Party;
  let key: IssuedKey;

  beforeAll(async () => {
    platform = await startPlatform();
    destination = await platform.makeParty({ receives: ['file', 'hoso.motcua'] });
    party = await platform.makeParty({ grantsTo: [] });
    const { admin } = platform.admin;
    // Parties of the tests are granted `*` from themselves; this one may send two data types, and no more.
    await admin.grants.create({ from: party.systemId, to: destination.systemId, dataTypes: ['file', 'hoso.motcua'] });
    key = await admin.keys.issue(party.systemId, { algorithms: ['hmac-sha256'], bearer: true });
  });
  afterAll(() => platform?.stop());

  const basic = (name: string, secret = '') =>
    `Basic ${Buffer.from(`${encodeURIComponent(name)}:${encodeURIComponent(secret)}`).toString('base64')}`;
  const ask = async (form: Record<string, string>, authorization?: string) => {
    const answer = await fetch(`${platform.baseUrl}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: authorization ? { authorization } : {},
    });
    return { status: answer.status, headers: answer.headers, json: (await answer.json()) as Answer };
  };
  const grant = { grant_type: 'client_credentials' };
  const tokenOf = async (scope: string) =>
    (await ask({ ...grant, scope }, basic(key.accessKey, key.secretKey))).json.access_token;
  const packet = (dataType: string) => ({
    to: [destination.systemId],
    title: 'x',
    dataType,
    protocol: 'inline',
    parts: [
      {
        name: 'a.txt',
        mediaType: 'text/plain',
        size: 1,
        sha256: 'ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=',
        content: 'YQ==',
      },
    ],
  });
  const send = (token: string, dataType: string) =>
    platform.fetch<{ packetId: string; code: string }>('/v1/packets', {
      method: 'POST',
      body: packet(dataType),
      headers: { authorization: `Bearer ${token}` },
    });

  it('issue-token: gives a token of RFC 9068 for an hour, verifiable with the published keys that the discovery document names', async () => {
    const { status, headers, json } = await ask({ ...grant, scope: 'file' }, basic(key.accessKey, key.secretKey));
    expect({ status, store: headers.get('cache-control') }).toEqual({ status: 200, store: 'no-store' });
    expect(json).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'file' });
    const meta = (await (await fetch(`${platform.baseUrl}/.well-known/oauth-authorization-server`)).json()) as Record<
      string,
      string
    >;
    const { payload } = await jwtVerify(
      json.access_token,
      createRemoteJWKSet(new URL('/.well-known/jwks.json', platform.baseUrl)),
      { typ: 'at+jwt', issuer: meta.issuer, audience: meta.issuer },
    );
    expect(payload).toMatchObject({ client_id: key.accessKey, system: party.systemId, scope: 'file' });
  });

  it('issue-token: answers with the errors of RFC 6749, the same for an unknown key and a wrong secret', async () => {
    const right = basic(key.accessKey, key.secretKey);
    const wrong = await ask(grant, basic(key.accessKey, 'wrong'));
    expect(wrong).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    expect(wrong.headers.get('www-authenticate')).toContain('Basic');
    const unknown = await ask(grant, basic('AKNOBODY', 'wrong'));
    expect(unknown.json).toEqual(wrong.json);
    expect(await ask({ grant_type: 'password' }, right)).toMatchObject({ json: { error: 'unsupported_grant_type' } });
    expect(await ask({}, right)).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    expect(await ask({ ...grant, scope: 'edxml.document' }, right)).toMatchObject({ json: { error: 'invalid_scope' } });
    const plain = basic(party.issued.accessKey, party.issued.secretKey);
    expect(await ask(grant, plain)).toMatchObject({ status: 400, json: { error: 'unauthorized_client' } });
  });

  it('issue-token: takes private_key_jwt once, for this platform only', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
    const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const rsa = await platform.admin.admin.keys.issue(party.systemId, {
      algorithms: ['rsa-pss-sha512'],
      publicKeyPem,
      bearer: true,
    });
    const meta = (await (await fetch(`${platform.baseUrl}/.well-known/oauth-authorization-server`)).json()) as Record<
      string,
      string
    >;
    const assertion = (audience: string, seconds = 60) =>
      new SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg: 'PS512' })
        .setIssuer(rsa.accessKey)
        .setSubject(rsa.accessKey)
        .setAudience(audience)
        .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
        .sign(privateKey);
    const form = (client_assertion: string) => ({
      ...grant,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion,
    });
    const once = await assertion(meta.token_endpoint);
    expect((await ask(form(once))).status).toBe(200);
    for (const bad of [once, await assertion('https://elsewhere.example'), await assertion(meta.issuer, 3600)])
      expect(await ask(form(bad))).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  });

  it('issue-token: the token sends packets of its data services, reads them, and opens nothing else', async () => {
    const token = await tokenOf('file');
    const headers = { authorization: `Bearer ${token}` };
    const sent = await send(token, 'file');
    expect(sent.status).toBe(201);
    expect((await platform.fetch(`/v1/packets/${sent.json.packetId}`, { headers })).status).toBe(200);
    expect(await send(token, 'hoso.motcua')).toMatchObject({ status: 403, json: { code: 'access_denied' } });
    const other = await send(await tokenOf('hoso.motcua'), 'hoso.motcua');
    expect(await platform.fetch(`/v1/packets/${other.json.packetId}`, { headers })).toMatchObject({ status: 404 });
    for (const target of ['/v1/admin/agencies', '/v1/keys', '/v1/events', '/v1/packets'])
      expect(await platform.fetch(target, { headers })).toMatchObject({
        status: 401,
        json: { code: 'signature_missing' },
      });
    expect(await send(`${token.slice(0, -4)}AAAA`, 'file')).toMatchObject({
      status: 401,
      json: { code: 'token_invalid' },
    });
    const session = await party.client.sessions.open({ destination: destination.systemId });
    expect(await send(session.access!.accessToken, 'file')).toMatchObject({
      status: 401,
      json: { code: 'token_invalid' },
    });
  });

  it('issue-token: the receipt of a delivery confirmed by token says that nothing was signed', async () => {
    const receiver = await platform.admin.admin.keys.issue(destination.systemId, {
      algorithms: ['hmac-sha256'],
      bearer: true,
    });
    const { json } = await ask(grant, basic(receiver.accessKey, receiver.secretKey));
    const headers = { authorization: `Bearer ${json.access_token}` };
    const { packetId } = (await send(await tokenOf('file'), 'file')).json;
    const found = async () => {
      for await (const one of destination.client.deliveries.list()) if (one.packetId === packetId) return one;
      return undefined;
    };
    await eventually(async () => (await found()) !== undefined, { within: 30_000 });
    const { deliveryId } = (await found())!;
    await platform.fetch(`/v1/deliveries/${deliveryId}/ready`, { method: 'POST', headers });
    const parts = packet('file').parts.map(({ name, sha256 }) => ({ name, sha256 }));
    const confirmed = await platform.fetch<{ state: string; receipt: string }>(`/v1/deliveries/${deliveryId}/confirm`, {
      method: 'POST',
      headers,
      body: { outcome: 'accepted', parts },
    });
    expect(confirmed).toMatchObject({ status: 200, json: { state: 'accepted' } });
    const claims: unknown = JSON.parse(Buffer.from(confirmed.json.receipt.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({ request: { alg: 'bearer', signature: '', keyId: receiver.accessKey } });
  });

  it('issue-token: a key that is revoked takes its tokens with it within 10 s', async () => {
    const token = await tokenOf('file');
    await platform.admin.admin.keys.revoke(party.systemId, key.accessKey);
    await eventually(async () => (await send(token, 'file')).status === 401, { within: 10_000 });
    expect((await ask(grant, basic(key.accessKey, key.secretKey))).status).toBe(401);
  });
});
