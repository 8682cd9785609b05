import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { AuditItem, IssuedKey, Problem } from '@lienthong/contracts';
import { signRequest } from '@lienthong/signing';
import { createRemoteJWKSet, jwtVerify, SignJWT } from 'jose';
import { eventually } from '../support/eventually';
import { accept, packetIn, sendInline } from '../support/exchange';
import { type Party, type Platform, startPlatform, startStandalone } from '../support/platform';
import { RawStream } from '../support/raw-stream';

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
    expect(await send(token, 'hoso.motcua')).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } });
    const other = await send(await tokenOf('hoso.motcua'), 'hoso.motcua');
    expect(await platform.fetch(`/v1/packets/${other.json.packetId}`, { headers })).toMatchObject({ status: 404 });
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

  it('issue-token: a token opens the calls whose security names it in the API document, and no other', async () => {
    const { paths } = JSON.parse(readFileSync(`${__dirname}/../../docs/openapi.json`, 'utf8')) as {
      paths: Record<string, Record<string, { security?: Record<string, unknown>[] }>>;
    };
    const token = await tokenOf('file');
    const seen: Record<string, number> = { opened: 0, closed: 0 };
    for (const [path, methods] of Object.entries(paths))
      for (const [method, { security }] of Object.entries(methods)) {
        if (security?.length === 0 || path === '/v1/stream' || path === '/oauth2/token') continue;
        const takesTokens = security?.some((one) => 'bearer' in one) ?? false;
        const target = path.replace(/\{(\w+)\}/g, (_, name: string) => (name === 'code' ? 'H01' : randomUUID()));
        const [upper, headers] = [method.toUpperCase(), { authorization: `Bearer ${token}` }];
        const answer = await platform.fetch(target, { method: upper, headers, body: upper === 'GET' ? undefined : {} });
        const refused = answer.status === 401 && answer.json.code === 'token_not_accepted';
        expect([upper, path, refused]).toEqual([upper, path, !takesTokens]);
        seen[takesTokens ? 'opened' : 'closed']++;
      }
    expect(seen.opened).toBeGreaterThanOrEqual(12);
    expect(seen.closed).toBeGreaterThan(30);
  });

  it('read-packet, list-deliveries, read-events: a token sees only packets of its data types; the stream, only with *', async () => {
    const to = await platform.makeParty({ receives: ['file', 'hoso.motcua'] });
    const from = await platform.makeParty({ grantsTo: [to.systemId] });
    const sent: Record<string, string> = {};
    for (const dataType of ['file', 'hoso.motcua'])
      sent[dataType] = (await sendInline(from, to, { dataType })).packetId;
    for (const packetId of Object.values(sent)) await packetIn(from, packetId, 'scheduled');
    const { admin } = platform.admin;
    await admin.grants.create({ from: to.systemId, to: '*', dataTypes: ['*'] });
    const clients = await Promise.all(
      [from, to].map(async ({ systemId }) =>
        platform.clientOf(await admin.keys.issue(systemId, { algorithms: ['hmac-sha256'], bearer: true })),
      ),
    );
    const bearer = async (who: 0 | 1, scope: string) => {
      const { access_token } = await clients[who].access.token({ scope: [scope] });
      return <T = Problem>(target: string, body?: object) =>
        platform.fetch<T>(target, {
          method: body ? 'POST' : 'GET',
          body,
          headers: { authorization: `Bearer ${access_token}` },
        });
    };
    type List = { items: { packetId: string; state: string }[] };
    const [asSource, asDestination, all] = [await bearer(0, 'file'), await bearer(1, 'file'), await bearer(1, '*')];

    const own = await asSource<List>('/v1/packets');
    expect(own.json.items.map(({ packetId }) => packetId)).toEqual([sent.file]);
    const waiting = await asDestination<List>('/v1/deliveries');
    expect(waiting.json.items).toMatchObject([{ packetId: sent.file, state: 'notified' }]);
    const other = (await from.client.packets.get(sent['hoso.motcua'])).recipients[0];
    expect(other.state).toBe('pending');
    expect((await asDestination<List>('/v1/deliveries?state=accepted')).json.items).toEqual([]);
    for (const target of ['', '/receipts'])
      expect([target, (await asSource(`/v1/packets/${sent['hoso.motcua']}${target}`)).status]).toEqual([target, 404]);
    expect((await asSource(`/v1/packets/${sent.file}/receipts`)).status).toBe(200);

    const refused = await asDestination('/v1/events?after=0');
    expect(refused).toMatchObject({ status: 403, json: { code: 'insufficient_scope' } });
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_scope');
    expect((await all<List>('/v1/events?after=0')).json.items.length).toBeGreaterThanOrEqual(2);
    expect((await all<List>('/v1/deliveries')).json.items.map(({ packetId }) => packetId).toSorted()).toEqual(
      Object.values(sent).toSorted(),
    );

    expect((await asSource(`/v1/packets/${sent['hoso.motcua']}/recall`, { reason: 'x' })).status).toBe(404);
    expect((await asSource(`/v1/packets/${sent.file}/recall`, { reason: 'Gửi nhầm' })).status).toBe(200);
    await accept(to, other.deliveryId ?? '');
    expect((await asDestination(`/v1/packets/${sent['hoso.motcua']}/statuses`, { code: '01' })).status).toBe(404);
    expect((await all(`/v1/packets/${sent['hoso.motcua']}/statuses`, { code: '01' })).status).toBe(201);
    expect((await all<List>('/v1/deliveries?state=accepted,recalled')).json.items).toHaveLength(2);
    expect((await asDestination<List>('/v1/deliveries?state=accepted,recalled')).json.items).toMatchObject([
      { packetId: sent.file },
    ]);
  });

  /** A system that may send, with a key marked bearer, and a token of it. */
  const holder = async (more: { expiresAt?: string } = {}) => {
    const from = await platform.makeParty({ grantsTo: [] });
    const { admin } = platform.admin;
    await admin.grants.create({ from: from.systemId, to: destination.systemId, dataTypes: ['file'] });
    const issued = await admin.keys.issue(from.systemId, { algorithms: ['hmac-sha256'], bearer: true, ...more });
    const { json } = await ask(grant, basic(issued.accessKey, issued.secretKey));
    return { ...from, issued, token: json.access_token, seconds: json.expires_in };
  };
  const codeOf = async (token: string) => (await send(token, 'file')).json.code;

  it('issue-token: a key that is revoked, a system suspended, an agency dissolved: each takes its tokens with it within 10 s', async () => {
    const { admin } = platform.admin;
    type Holder = Awaited<ReturnType<typeof holder>>;
    const endings: [string, string, string, (of: Holder) => Promise<unknown>][] = [
      ['key_revoked', 'invalid_client', 'revoked', (of) => admin.keys.revoke(of.systemId, of.issued.accessKey)],
      ['key_revoked', 'invalid_client', 'suspended', (of) => admin.systems.change(of.systemId, { suspended: true })],
      [
        'token_invalid',
        'unauthorized_client',
        'dissolved',
        (of) => admin.agencies.change(of.agencyCode, { dissolved: true }),
      ],
    ];
    await Promise.all(
      endings.map(async ([code, error, what, end]) => {
        const of = await holder();
        expect([what, (await send(of.token, 'file')).status]).toEqual([what, 201]);
        await end(of);
        await eventually(async () => (await codeOf(of.token)) === code, { within: 10_000, every: 250 });
        const again = async () => (await ask(grant, basic(of.issued.accessKey, of.issued.secretKey))).json.error;
        await eventually(async () => (await again()) === error, { within: 10_000, every: 250 });
      }),
    );
  });

  it('issue-token: a token ends with its key at the latest, and is then refused as one that is wrong', async () => {
    const expiresAt = new Date(Date.now() + 4000).toISOString();
    const of = await holder({ expiresAt });
    expect(of.seconds).toBeLessThanOrEqual(4);
    await eventually(async () => (await codeOf(of.token)) === 'token_invalid', { within: 10_000, every: 250 });
    const again = await ask(grant, basic(of.issued.accessKey, of.issued.secretKey));
    expect(again).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  });

  it('issue-token: scope * is given to who is granted everything, and opens every data type', async () => {
    const free = await platform.makeParty({ grantsTo: [destination.systemId] });
    const issued = await platform.admin.admin.keys.issue(free.systemId, { algorithms: ['hmac-sha256'], bearer: true });
    const proof = basic(issued.accessKey, issued.secretKey);
    const { json } = await ask(grant, proof);
    expect(json.scope).toBe('*');
    for (const dataType of ['file', 'hoso.motcua'])
      expect([dataType, (await send(json.access_token, dataType)).status]).toEqual([dataType, 201]);
    // Less than one is granted may be asked for.
    const narrow = await ask({ ...grant, scope: 'hoso.motcua' }, proof);
    expect(narrow.json.scope).toBe('hoso.motcua');
    expect(await send(narrow.json.access_token, 'file')).toMatchObject({
      status: 403,
      json: { code: 'insufficient_scope' },
    });
    // But who is granted two data types does not get all by asking for the star.
    expect(await ask({ ...grant, scope: '*' }, basic(key.accessKey, key.secretKey))).toMatchObject({
      status: 400,
      json: { error: 'invalid_scope' },
    });
  });
});

describe('OAuth 2, the proof of who asks', () => {
  it('issue-token: failures stop an address and a key long before other requests do, and stand counted in the audit log, as do streams asked for without proof (A14)', async () => {
    const platform = await startStandalone({ RATE_LIMIT_PER_MINUTE: '6000' });
    try {
      const ask = async (name: string, secret: string) => {
        const authorization = `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;
        const form = {
          method: 'POST',
          headers: { authorization },
          body: new URLSearchParams({ grant_type: 'client_credentials' }),
        };
        const answer = await fetch(`${platform.baseUrl}/oauth2/token`, form);
        return { status: answer.status, headers: answer.headers, json: (await answer.json()) as { code?: string } };
      };
      const party = await platform.makeParty();
      const { accessKey, secretKey = '' } = party.issued;
      const failures: number[] = [];
      for (let n = 0; n < 12; n++) failures.push((await ask(accessKey, `guess-${n}`)).status);
      expect(failures).toEqual([...Array<number>(10).fill(401), 429, 429]);
      // Stopped before the secret is looked at: the right one tells nothing now.
      const stopped = await ask(accessKey, secretKey);
      expect(stopped).toMatchObject({ status: 429, json: { code: 'rate_limited' } });
      expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(0);
      for (let n = 0; n < 20; n++) expect((await ask(`AKnone${n}`, 'x')).status).toBe(401);
      expect((await ask('AKanother', 'x')).status).toBe(429);
      // Requests that prove who sends them go on.
      expect((await party.client.packets.page()).items).toEqual([]);

      const forged = { ...party.key, secret: 'khong-phai-khoa-nay-khong-phai-khoa-nay' };
      for (let n = 0; n < 2; n++) expect((await RawStream.of(platform.baseUrl, { key: forged })).refused).toBe(401);
      const signed = signRequest({ method: 'GET', target: '/v1/stream' }, party.key);
      const { url } = await party.client.events.ticket();
      const [stream] = url.split('?');
      expect((await RawStream.at(stream, { ...signed, origin: 'https://xau.example' })).refused).toBe(403);
      await (await RawStream.at(url)).close();
      expect((await RawStream.at(url)).refused).toBe(403);

      // The counts of a minute are written at its end, or at that of the process.
      await platform.restart();
      const { items } = (
        await platform.fetch<{ items: AuditItem[] }>('/v1/admin/audit?actor=unverified', { key: platform.adminKey })
      ).json;
      const counted = (subject: string, code: string, count: number) =>
        expect.objectContaining({
          action: 'access.refused',
          subject,
          detail: { code, count, verified: false },
        }) as object;
      expect(items).toEqual(
        expect.arrayContaining([
          counted(accessKey, 'invalid_client', 10),
          counted(accessKey, 'signature_invalid', 2),
          // The page of another origin; and the ticket that was spent, which names no key.
          counted(accessKey, 'access_denied', 1),
          counted('none', 'access_denied', 1),
        ]),
      );
      expect(JSON.stringify(items)).not.toContain('guess-');
    } finally {
      await platform.stop();
    }
  });

  it('issue-token: a form that trickles is cut off after ten seconds, with an answer', async () => {
    // Without the proxy in between, which may gather the body first.
    const platform = await startStandalone();
    try {
      const { hostname, port } = new URL(platform.baseUrl);
      const began = performance.now();
      const answer = await new Promise<string>((resolve, reject) => {
        let text = '';
        const form = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ngrant_type=';
        const socket = connect(Number(port), hostname, () =>
          socket.write(`POST /oauth2/token HTTP/1.1\r\nHost: ${hostname}\r\n${form}`),
        );
        const drip = setInterval(() => socket.write('x'), 500);
        socket.on('data', (chunk) => (text += String(chunk)));
        // Written to after the server has ended the connection.
        socket.once('error', (error) => text === '' && reject(error));
        socket.once('close', () => {
          clearInterval(drip);
          resolve(text);
        });
      });
      expect(answer).toMatch(/^HTTP\/1\.1 408 /);
      expect(answer).toContain('"code":"request_timeout"');
      expect(performance.now() - began).toBeLessThan(20_000);
    } finally {
      await platform.stop();
    }
  });

  it('issue-token: who proved to hold a key that may not, or asks for what is not granted, is one entry each', async () => {
    const platform = await startPlatform();
    try {
      const party = await platform.makeParty({ grantsTo: [] });
      const { admin } = platform.admin;
      await expect(platform.clientOf(party.issued).access.token()).rejects.toMatchObject({
        status: 400,
        problem: { code: 'unauthorized_client' },
      });
      const marked = await admin.keys.issue(party.systemId, { algorithms: ['hmac-sha256'], bearer: true });
      await expect(platform.clientOf(marked).access.token({ scope: ['file'] })).rejects.toMatchObject({
        problem: { code: 'invalid_scope' },
      });
      for (const [actor, code] of [
        [party.issued.accessKey, 'unauthorized_client'],
        [marked.accessKey, 'invalid_scope'],
      ]) {
        const target = `/v1/admin/audit?action=access.refused&actor=${actor}`;
        const { json } = await platform.fetch<{ items: AuditItem[] }>(target, { key: platform.adminKey });
        expect(json.items).toMatchObject([
          { systemId: party.systemId, subject: 'POST /oauth2/token', detail: { code } },
        ]);
      }
    } finally {
      await platform.stop();
    }
  });
});
