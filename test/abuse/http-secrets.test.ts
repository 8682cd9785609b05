import { randomBytes, randomUUID } from 'node:crypto';
import type { IssuedKey } from '@lienthong/contracts';
import { signRequest } from '@lienthong/signing';
import { eventually } from '../support/eventually';
import { inlineRequest, receiveOne } from '../support/exchange';
import { DOCUMENTED_ROUTES } from '../support/openapi-routes';
import { onEmbedded, type Party, type Platform, startStandalone } from '../support/platform';
import { rawRequest, sendRaw } from '../support/raw-http';
import { RawStream } from '../support/raw-stream';

jest.setTimeout(180_000);

/** What an answer must not tell of how it came about: stacks, SQL, tables, files, places in the store, peers. */
const INTERNALS =
  /node_modules|\/dist\/|\bat \S+ \(|\.[jt]s:\d+|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE)\b|violates|relation\b|\bcolumn|QueryFailed|\b[A-Z]\w*Error\b|ECONN|127\.0\.0\.1:\d|\/tmp\/|sealed\/|incoming\/|postgres|typeorm|bucket/;

// The log and the database of a process of its own are looked into and broken: nothing to do on a stack that others use.
(onEmbedded ? describe : describe.skip)('Abuse that looks for secrets (on the embedded default alone)', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startStandalone({ LOG_LEVEL: 'trace' });
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  const linesOfLog = () =>
    platform
      .standalone!.log()
      .split('\n')
      .filter((line) => line !== '');

  it('A47 writes each line of its log as one JSON object without control characters, whatever callers say', async () => {
    const id = randomUUID();
    const ANSI = '\u001b[2J\u001b[31m';
    const FORGED = '{"level":"info","msg":"forged"}';
    const before = linesOfLog().length;
    for (const header of [
      'User-Agent',
      'X-Request-Id',
      'Referer',
      'Accept-Language',
      'Idempotency-Key',
      'X-Forwarded-For',
    ])
      for (const value of [ANSI, `a\tb ${FORGED}`, '\x7f\x9b31m', 'x'.repeat(8000)])
        await sendRaw(platform.baseUrl, rawRequest('GET /v1/packets', [`${header}: ${value}`]));
    for (const path of [
      `/v1/${id}%0a${encodeURIComponent(FORGED)}`,
      `/v1/%1b%5B31m`,
      `/v1/\u001b[31m`,
      `/v1/%E2%80%A8${id}`,
      `/v1/%E2%80%AE${id}`,
    ])
      await sendRaw(platform.baseUrl, rawRequest(`GET ${path}`));
    const odd = ['dòng\r\nmới', ANSI, FORGED, '\u2028', '\u202Egpj.exe', `${id}\0`];
    for (const text of odd) {
      const part = { name: text, mediaType: 'text/plain', content: 'YQ==' };
      await platform.fetch('/v1/packets', {
        method: 'POST',
        key: source.key,
        body: inlineRequest(destination, { title: text, parts: [part] }),
      });
      await platform.fetch('/v1/admin/agencies', {
        method: 'POST',
        key: platform.adminKey,
        body: { code: text, name: text },
      });
      await platform.fetch('/v1/packets', { method: 'POST', body: text, key: { ...source.key, keyId: 'AKKHONGCO' } });
      await platform.fetch(`/v1/directory?q=${encodeURIComponent(text)}`, { key: source.key });
      await platform.fetch('/oauth2/token', {
        method: 'POST',
        body: `grant_type=${encodeURIComponent(text)}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    }
    const last = randomUUID();
    await platform.fetch('/v1/packets', { headers: { 'x-request-id': last } });
    const written = await eventually(() => platform.standalone!.log().includes(last) && linesOfLog().slice(before));
    process.stdout.write(`A47: ${written.length} lines of log looked at\n`);
    expect(written.length).toBeGreaterThan(40);
    // oxlint-disable-next-line no-control-regex -- that is what is looked for
    expect(written.filter((line) => /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(line))).toEqual([]);
    for (const line of written) expect(Object.keys(JSON.parse(line) as object)).toContain('level');
    expect(written.filter((line) => (JSON.parse(line) as { msg?: string }).msg === 'forged')).toEqual([]);
  });

  it('A47 writes no secret, signature, ticket, token or content to its log, at its most talkative', async () => {
    const canaries: Record<string, string> = {};
    const { admin } = platform.admin;
    const key: IssuedKey = await admin.keys.issue(source.systemId, { algorithms: ['hmac-sha256'], bearer: true });
    canaries['secret key'] = key.secretKey ?? '';
    const session = await platform.fetch<{ sessionKey: string }>('/v1/sessions', {
      method: 'POST',
      body: {},
      key: source.key,
    });
    canaries['session key'] = session.json.sessionKey;
    const ticket = await platform.fetch<{ url: string }>('/v1/stream-tickets', {
      method: 'POST',
      body: {},
      key: source.key,
    });
    canaries.ticket = new URL(ticket.json.url).searchParams.get('ticket') ?? '';
    await (await RawStream.at(ticket.json.url)).close();
    await RawStream.at(ticket.json.url);
    const basic = Buffer.from(`${key.accessKey}:${key.secretKey}`).toString('base64');
    canaries['basic credentials'] = basic;
    const form = {
      method: 'POST',
      body: 'grant_type=client_credentials',
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${basic}` },
    };
    const token = await platform.fetch<{ access_token: string }>('/oauth2/token', form);
    canaries.token = token.json.access_token.split('.')[2];
    await platform.fetch('/v1/packets', {
      method: 'POST',
      body: { bad: 1 },
      headers: { authorization: `Bearer ${token.json.access_token}` },
    });
    canaries['wrong secret'] = randomBytes(24).toString('hex');
    await platform.fetch('/oauth2/token', {
      ...form,
      headers: {
        ...form.headers,
        authorization: `Basic ${Buffer.from(`${key.accessKey}:${canaries['wrong secret']}`).toString('base64')}`,
      },
    });

    const content = randomBytes(60).toString('hex');
    canaries.content = Buffer.from(content).toString('base64');
    canaries['content as it is'] = content;
    canaries.title = `tieu de ${randomUUID()}`;
    canaries['file name'] = `${randomUUID()}.txt`;
    const part = { name: canaries['file name'], mediaType: 'text/plain', content: canaries.content };
    const body = inlineRequest(destination, { title: canaries.title, parts: [part] });
    const signed = signRequest(
      { method: 'POST', target: '/v1/packets', body: Buffer.from(JSON.stringify(body)) },
      source.key,
    );
    canaries.signature = /:(.+):/.exec(String(signed.Signature ?? signed.signature))?.[1] ?? '';
    const sent = await fetch(`${platform.baseUrl}/v1/packets`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { ...signed, 'content-type': 'application/json' },
    });
    const { packetId } = (await sent.json()) as { packetId: string };
    await platform.fetch('/v1/packets', {
      method: 'POST',
      body: { ...body, title: canaries.title.repeat(100) },
      key: source.key,
    });
    await receiveOne(destination, packetId);

    expect(Object.entries(canaries).filter(([, value]) => value.length < 16)).toEqual([]);
    const last = randomUUID();
    await platform.fetch('/v1/packets', { headers: { 'x-request-id': last } });
    const log = await eventually(() => platform.standalone!.log().includes(last) && platform.standalone!.log());
    expect(log).toContain(packetId);
    const found = Object.entries(canaries).filter(
      ([, value]) => log.includes(value) || log.includes(encodeURIComponent(value)),
    );
    expect(found.map(([name]) => name)).toEqual([]);
    expect(log).not.toMatch(/[?&](ticket|sig|X-Amz-Signature)=[\w-]{16}/);
  });

  it('A48 says of a fault of its own only under which reference the operator finds it', async () => {
    const tables = ['packets', 'deliveries', 'grants', 'agencies', 'systems', 'streams', 'dead_tasks', 'connections'];
    const bodies: string[] = [];
    await platform.sql(tables.map((table) => `ALTER TABLE ${table} RENAME TO ${table}_away`).join(';'));
    try {
      for (const { method, path, administrators } of DOCUMENTED_ROUTES.filter(
        ({ template }) => template !== '/v1/stream',
      )) {
        const body = ['POST', 'PUT', 'PATCH'].includes(method)
          ? path === '/v1/packets'
            ? inlineRequest(destination)
            : {}
          : undefined;
        const { status, text } = await platform.fetch(path, {
          method,
          body,
          key: administrators ? platform.adminKey : source.key,
        });
        if (status >= 400) bodies.push(`${status} ${text}`);
      }
    } finally {
      await platform.sql(tables.map((table) => `ALTER TABLE ${table}_away RENAME TO ${table}`).join(';'));
    }
    const broken = bodies.filter((one) => one.startsWith('500'));
    process.stdout.write(`A48: ${bodies.length} refusals looked at, ${broken.length} of them 500\n`);
    expect(broken.length).toBeGreaterThan(8);
    for (const one of broken) expect(one).toMatch(/"reference":"[0-9a-f-]{36}"/);
    expect(bodies.filter((one) => INTERNALS.test(one))).toEqual([]);
    const [, reference] = /"reference":"([0-9a-f-]{36})"/.exec(broken[0]) ?? [];
    const told = await eventually(() =>
      linesOfLog().find((line) => line.includes(reference) && line.includes('stack')),
    );
    expect(told).toMatch(/relation|_away/);
    expect((await platform.fetch('/v1/packets', { key: source.key })).status).toBe(200);
  });
});
