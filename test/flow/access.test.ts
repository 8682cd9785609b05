import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AccessCheckAnswer, AuditItem, SessionAnswer } from '@lienthong/contracts';
import { signRequest, type SigningKey } from '@lienthong/signing';
import { eventually } from '../support/eventually';
import { packetIn, sendInline } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(120_000);

const INVALID = { active: false, code: 'invalid_token' };

describe('Three parties: a source calls the own service of a destination', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;
  let other: Party;
  let service: ChildProcess;
  let url: string;

  beforeAll(async () => {
    platform = await startPlatform();
    [destination, other] = [await platform.makeParty(), await platform.makeParty()];
    source = await platform.makeParty({ grantsTo: [destination.systemId, other.systemId] });
    service = spawn(process.execPath, [join(__dirname, '../../libs/client/examples/protected-service/server.mjs')], {
      env: {
        PATH: process.env.PATH,
        LIENTHONG_URL: platform.baseUrl,
        ACCESS_KEY: destination.issued.accessKey,
        SECRET_KEY: destination.issued.secretKey,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    [url] = (await once(createInterface(service.stdout!), 'line')) as [string];
  });
  afterAll(async () => {
    service?.kill();
    await platform?.stop();
  });

  const open = async (to: string, party = source) =>
    platform.fetch<SessionAnswer & { code: string; reason: string }>('/v1/sessions', {
      method: 'POST',
      body: { destination: to },
      key: party.key,
    });
  const check = async (body: object, party = destination) =>
    (await platform.fetch<AccessCheckAnswer>('/v1/access-checks', { method: 'POST', body, key: party.key })).json;
  const call = async (target: string, headers: Record<string, string>, body?: string) => {
    const answer = await fetch(url + target, { method: body === undefined ? 'GET' : 'POST', headers, body });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  };
  /** Headers of a request by hand, each part of which may be another's. */
  const signed = (
    session: SessionAnswer,
    target: string,
    accessToken = session.access!.accessToken,
    created?: number,
  ) => {
    const key: SigningKey = { keyId: session.sessionId, alg: 'hmac-sha256', secret: session.sessionKey };
    const authorization = `Bearer ${accessToken}`;
    const request = { method: 'GET', target, headers: { authorization } };
    return { authorization, ...signRequest(request, key, { cover: ['authorization'], created }) };
  };

  it('check-access: lets the source in to the example service, and tells the service who it is', async () => {
    const access = source.client.access.to(destination.systemId);
    const headers = await access.headers({ method: 'GET', url: `${url}/ho-so/17?trang=2` });
    const caller = { systemId: source.systemId, agencyCode: source.agencyCode, name: 'Hệ thống qlvb' };
    expect(await call('/ho-so/17?trang=2', headers)).toEqual({ status: 200, json: { caller, received: null } });
    const body = JSON.stringify({ hoSo: 17 });
    const posted = await access.headers({ method: 'POST', url: '/ho-so', body });
    expect(await call('/ho-so', { ...posted, 'content-type': 'application/json' }, body)).toEqual({
      status: 200,
      json: { caller, received: { hoSo: 17 } },
    });
  });

  it('check-access: refuses a request that is replayed, altered, unsigned, late, or signed by another session', async () => {
    const { json: session } = await open(destination.systemId);
    const headers = signed(session, '/a');
    expect((await call('/a', headers)).status).toBe(200);
    expect(await call('/a', headers)).toMatchObject({ status: 401, json: { code: 'replayed_request' } });
    expect(await call('/b', signed(session, '/a'))).toMatchObject({ status: 401, json: { code: 'signature_invalid' } });
    const { authorization } = headers;
    expect(await call('/a', { authorization })).toMatchObject({ status: 401, json: { code: 'signature_missing' } });
    expect(await call('/a', {})).toMatchObject({ status: 401, json: { code: 'invalid_token' } });
    const late = signed(session, '/a', undefined, Math.floor(Date.now() / 1000) - 400);
    expect(await call('/a', late)).toMatchObject({ status: 401, json: { code: 'clock_skew' } });
    const { json: second } = await open(destination.systemId);
    const mixed = signed(second, '/a', session.access!.accessToken);
    expect(await call('/a', mixed)).toMatchObject({ status: 401, json: { code: 'signature_invalid' } });

    const body = JSON.stringify({ amount: 1 });
    const posted = await source.client.access.to(destination.systemId).headers({ method: 'POST', url: '/pay', body });
    expect(await call('/pay', posted, JSON.stringify({ amount: 2 }))).toMatchObject({
      status: 401,
      json: { code: 'digest_mismatch' },
    });
  });

  it('check-access: has one answer for a token that is unknown, of another destination, expired, or no access token at all', async () => {
    const { json: foreign } = await open(other.systemId);
    const { accessToken } = foreign.access!;
    expect(await call('/a', signed(foreign, '/a'))).toMatchObject({ status: 401, json: { code: 'invalid_token' } });
    expect(await check({ accessToken }, other)).toMatchObject({ active: true });
    const [head, claims, signature] = accessToken.split('.');
    const altered = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
    const forged = Buffer.from(JSON.stringify({ ...altered, aud: destination.systemId })).toString('base64url');
    for (const token of [accessToken, `${head}.${forged}.${signature}`, 'a.b.c', ''])
      expect(await check({ accessToken: token })).toEqual(INVALID);

    // The key ends in two seconds, the session with it, and the token with the session.
    const expiresAt = new Date(Date.now() + 3000).toISOString();
    const brief = await platform.admin.admin.keys.issue(source.systemId, { algorithms: ['hmac-sha256'], expiresAt });
    const key: SigningKey = { keyId: brief.accessKey, alg: 'hmac-sha256', secret: brief.secretKey };
    const { json: short } = await open(destination.systemId, { ...source, key });
    expect(Date.parse(short.access!.expiresAt)).toBeLessThanOrEqual(Date.parse(expiresAt));
    await eventually(async () => (await check({ accessToken: short.access!.accessToken })).active === false, {
      within: 10_000,
    });
    expect(await check({ accessToken: short.access!.accessToken })).toEqual(INVALID);
  });

  it('check-access: holds a token for good no longer than its session, key, grant and systems (A15)', async () => {
    const { json: ended } = await open(destination.systemId);
    const token = { accessToken: ended.access!.accessToken };
    expect(await check(token)).toMatchObject({ active: true });
    const key: SigningKey = { keyId: ended.sessionId, alg: 'hmac-sha256', secret: ended.sessionKey };
    await platform.fetch('/v1/sessions/current', { method: 'DELETE', key });
    await eventually(async () => (await check(token)).active === false, { within: 10_000 });

    const party = await platform.makeParty({ grantsTo: [] });
    const { admin } = platform.admin;
    const grant = await admin.grants.create({ from: party.systemId, to: destination.agencyCode, dataTypes: ['file'] });
    const { json: granted } = await open(destination.systemId, party);
    const now = { accessToken: granted.access!.accessToken };
    expect(await check(now)).toMatchObject({ active: true });
    await admin.grants.remove(grant.grantId);
    await eventually(async () => (await check(now)).active === false, { within: 10_000 });
    expect(await check(now)).toEqual(INVALID);
  });

  it('check-access: a source that is suspended or dissolved, a destination that is, a key that is revoked: none is let in any more within 10 s', async () => {
    const { admin } = platform.admin;
    const endings: [string, (from: Party, to: Party) => Promise<unknown>][] = [
      ['the source is suspended', (from) => admin.systems.change(from.systemId, { suspended: true })],
      ['the agency of the source is dissolved', (from) => admin.agencies.change(from.agencyCode, { dissolved: true })],
      ['the agency of the destination is', (_, to) => admin.agencies.change(to.agencyCode, { dissolved: true })],
      ['the key is revoked', (from) => admin.keys.revoke(from.systemId, from.issued.accessKey)],
    ];
    await Promise.all(
      endings.map(async ([what, end]) => {
        const to = await platform.makeParty();
        const from = await platform.makeParty({ grantsTo: [to.systemId] });
        const { json } = await open(to.systemId, from);
        const { accessToken } = json.access!;
        expect([what, await check({ accessToken }, to)]).toEqual([what, expect.objectContaining({ active: true })]);
        await end(from, to);
        // By every instance, several of which may have been asked by then.
        const ended = async () => {
          const answers = await Promise.all(Array.from({ length: 6 }, () => check({ accessToken }, to)));
          return answers.every(({ active }) => !active);
        };
        await eventually(ended, { within: 10_000, every: 250 });
        expect([what, await check({ accessToken }, to)]).toEqual([what, INVALID]);
      }),
    );
  });

  it('check-access: a destination that is suspended is not answered at all', async () => {
    const to = await platform.makeParty();
    const from = await platform.makeParty({ grantsTo: [to.systemId] });
    const { accessToken } = (await open(to.systemId, from)).json.access!;
    await platform.admin.admin.systems.change(to.systemId, { suspended: true });
    const asked = () => platform.fetch('/v1/access-checks', { method: 'POST', body: { accessToken }, key: to.key });
    await eventually(async () => (await asked()).json.code === 'key_revoked', { within: 10_000, every: 250 });
    expect(await open(to.systemId, from)).toMatchObject({ status: 403, json: { reason: 'system_suspended' } });
  });

  it('check-access: a token of the same key that is made for another purpose is no access token', async () => {
    const { admin } = platform.admin;
    const issued = await admin.keys.issue(source.systemId, { algorithms: ['hmac-sha256'], bearer: true });
    const { access_token: accessToken } = await platform.clientOf(issued).access.token();
    expect(await check({ accessToken })).toEqual(INVALID);
    const { packetId } = await sendInline(source, destination);
    await packetIn(source, packetId, 'scheduled');
    const { receipts } = await source.client.packets.receipts(packetId);
    expect(await check({ accessToken: receipts[0].jws })).toEqual(INVALID);
  });

  it('open-session, check-access: grants and checks are in the audit log, each naming source and destination', async () => {
    const to = await platform.makeParty();
    const from = await platform.makeParty({ grantsTo: [to.systemId] });
    const { json: session } = await open(to.systemId, from);
    const headers = signed(session, '/a');
    const request = { method: 'GET', path: '/a', headers };
    const body = { accessToken: session.access!.accessToken, request };
    expect(await check(body, to)).toMatchObject({ active: true });
    expect(await check(body, to)).toEqual({ active: false, code: 'replayed_request' });
    expect(await check(body, other)).toEqual(INVALID);

    const entries = async (actor: string, action: string) => {
      const target = `/v1/admin/audit?actor=${actor}&action=${action}`;
      return (await platform.fetch<{ items: AuditItem[] }>(target, { key: platform.adminKey })).json.items;
    };
    const parties = { source: from.systemId, destination: to.systemId, sessionId: session.sessionId };
    expect(await entries(from.issued.accessKey, 'access.granted')).toMatchObject([
      { systemId: from.systemId, subject: to.systemId, detail: parties },
    ]);
    expect(await entries(to.issued.accessKey, 'access.checked')).toMatchObject([
      { subject: from.systemId, detail: { ...parties, active: false, code: 'replayed_request' } },
      { systemId: to.systemId, subject: from.systemId, detail: { ...parties, active: true } },
    ]);
    const [foreign] = await entries(other.issued.accessKey, 'access.checked');
    expect(foreign).toMatchObject({
      subject: 'unknown',
      detail: { source: null, destination: other.systemId, active: false, code: 'invalid_token' },
    });
    expect(JSON.stringify(foreign)).not.toContain(from.systemId);
  });

  it('open-session: refuses the right to call without a grant, with the same words for a system that does not exist', async () => {
    const absent = `${other.agencyCode}/khong-co`;
    const [foreign, unknown] = [await open(source.systemId, destination), await open(absent, { ...source })];
    const ungranted = await platform.makeParty({ grantsTo: [] });
    const refused = await open(destination.systemId, ungranted);
    expect(refused).toMatchObject({ status: 403, json: { code: 'access_denied', reason: 'not_granted' } });
    expect(unknown).toMatchObject({ status: 403, json: { code: 'access_denied', reason: 'not_granted' } });
    const words = (text: string) => text.replaceAll(destination.systemId, 'X').replaceAll(absent, 'X');
    expect(words(unknown.text)).toBe(words(refused.text));
    // Parties of the tests are granted `*`.
    expect(foreign.status).toBe(201);
  });

  it('open-session: what is signed for a destination, the platform takes for itself under no circumstances', async () => {
    const { json: session } = await open(destination.systemId);
    const headers = signed(session, '/v1/deliveries');
    expect(await platform.fetch('/v1/deliveries', { headers })).toMatchObject({
      status: 401,
      json: { code: 'signature_malformed' },
    });
  });
});
