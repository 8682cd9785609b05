import { type FieldError, LIMITS, type Problem } from '@lienthong/contracts';
import { accept, deliveryId, inlineRequest, newFile, openSpace, sendInline } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';
import { sendRaw } from '../support/raw-http';
import { type Route, routes } from './bad-input.table';

jest.setTimeout(120_000);

interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  allOf?: Schema[];
}
interface OpenApi {
  paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema }> } }>>;
  components: { schemas: Record<string, Schema> };
}

describe('Bad input', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;
  let table: Route[];

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
    const { packetId: openPacket } = await openSpace(source, destination);
    const accepted = await sendInline(source, destination);
    const waiting = await sendInline(source, destination);
    await accept(destination, await deliveryId(source, accepted.packetId, destination));
    const delivery = await deliveryId(source, waiting.packetId, destination);
    table = routes({
      source: source.systemId,
      destination: destination.systemId,
      openPacket,
      acceptedPacket: accepted.packetId,
      waitingPacket: waiting.packetId,
      delivery,
      newCode: () => platform.newCode(),
    });
  });
  afterAll(() => platform?.stop());

  const keyOf = ({ by }: Route) => ({ source: source.key, destination: destination.key, admin: platform.adminKey })[by];
  const send = (route: Route, body: unknown, language: 'vi' | 'en' = 'en') =>
    platform.fetch(route.valid.target, { method: route.method ?? 'POST', body, key: keyOf(route), language });

  it('is refused for every field of every POST route, naming the field, the rule and the next step, in both languages (A56)', async () => {
    const wrong: string[] = [];
    for (const route of table) {
      for (const [pointer, values] of Object.entries(route.fields))
        for (const value of values) {
          const body = withValue(route.valid.body, pointer, value);
          const [vi, en] = await Promise.all([send(route, body, 'vi'), send(route, body, 'en')]);
          const said = complaint(pointer, vi, en);
          if (said) wrong.push(`${route.path} ${pointer} = ${JSON.stringify(value).slice(0, 60)}: ${said}`);
        }
    }
    expect(wrong).toEqual([]);
  });

  it('is refused for an unknown field on every level of every POST route', async () => {
    const wrong: string[] = [];
    for (const route of table) {
      for (const level of levelsOf(route.valid.body)) {
        const pointer = `${level}/khongCo`;
        const body = withValue(route.valid.body, pointer, 1);
        const [vi, en] = await Promise.all([send(route, body, 'vi'), send(route, body, 'en')]);
        const said = complaint(pointer, vi, en) || (codeAt(en.json, pointer) !== 'unknown_field' && 'another code');
        if (said) wrong.push(`${route.path} ${pointer}: ${said}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('is refused for every required field that is left out, and never breaks the platform with null', async () => {
    const wrong: string[] = [];
    for (const route of table)
      for (const pointer of Object.keys(route.fields)) {
        const nothing = await send(route, withValue(route.valid.body, pointer, null));
        if (nothing.status >= 500) wrong.push(`${route.path} ${pointer} = null: ${nothing.status}`);
      }
    for (const [path, pointers] of Object.entries({
      '/v1/packets': [
        '/to',
        '/title',
        '/dataType',
        '/parts',
        '/parts/0/name',
        '/parts/0/mediaType',
        '/parts/0/size',
        '/parts/0/sha256',
      ],
      '/v1/packets/{packetId}/recall': ['/reason'],
      '/v1/packets/{packetId}/statuses': ['/code'],
      '/v1/deliveries/{deliveryId}/confirm': ['/outcome', '/parts', '/parts/0/name', '/parts/0/sha256'],
      '/v1/deliveries/confirmations': ['/confirmations', '/confirmations/0/deliveryId', '/confirmations/0/outcome'],
      '/v1/admin/agencies': ['/code', '/name'],
      '/v1/admin/systems': ['/id', '/name', '/receives'],
      '/v1/admin/systems/{code}/{slug}/keys': ['/algorithms'],
      '/v1/admin/grants': ['/from', '/to', '/dataTypes'],
      '/v1/keys': ['/algorithms', '/publicKeyPem'],
      '/v1/access-checks': ['/accessToken'],
      '/v1/webhook': ['/url'],
    })) {
      const route = table.find((one) => one.path === path) as Route;
      for (const pointer of pointers) {
        const { status, json } = await send(route, withValue(route.valid.body, pointer, undefined));
        if (status !== 400 || codeAt(json, pointer) !== 'required')
          wrong.push(`${path} without ${pointer}: ${status} ${JSON.stringify(json.errors)}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('has a row here for every POST route and every field that the OpenAPI document names', async () => {
    const { json } = await platform.fetch<OpenApi>('/docs/openapi.json');
    const missing: string[] = [];
    for (const [path, methods] of Object.entries(json.paths)) {
      const content = methods.post?.requestBody?.content;
      // The one form is OAuth 2's own, with errors of its own: token.test.ts.
      if (!methods.post || (content && !content['application/json'])) continue;
      const route = table.find((one) => normal(one.path) === normal(path));
      if (!route) {
        missing.push(path);
        continue;
      }
      const schema = content?.['application/json']?.schema;
      const known = Object.keys(route.fields).map((pointer) => pointer.replaceAll(/\/0(?=\/|$)/g, ''));
      for (const pointer of schema ? pointersOf(json, schema) : [])
        if (!known.includes(pointer)) missing.push(`${path} ${pointer}`);
    }
    expect(missing).toEqual([]);
  });

  it('says how many fields are wrong and lists each of them', async () => {
    const { json } = await platform.fetch('/v1/packets', {
      method: 'POST',
      key: source.key,
      body: { to: 5, title: '', dataType: 'file', parts: [{ name: '', mediaType: 'x', size: -1 }], ghi: 1 },
    });
    expect(json.errors?.map(({ pointer }) => pointer).toSorted()).toEqual([
      '/ghi',
      '/parts/0/mediaType',
      '/parts/0/name',
      '/parts/0/size',
      '/title',
      '/to',
    ]);
    expect(json.detail).toContain('6');
  });

  it.each([
    ['a text that is no JSON', '{"to": [', 400, 'malformed_json'],
    ['a name that stands twice', '{"reason":"a","reason":"b"}', 400, 'malformed_json'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'malformed_json'],
    ['a number as body', '5', 400, 'malformed_json'],
    ['a list as body', '[]', 400, 'validation_failed'],
    ['no body at all', undefined, 400, 'validation_failed'],
  ])('is refused as %s', async (_what, body, status, code) => {
    const answer = await platform.fetch('/v1/packets', { method: 'POST', body, key: source.key });
    expect({ status: answer.status, code: answer.json.code }).toEqual({ status, code });
    expect(answer.json.detail.length).toBeGreaterThan(20);
  });

  it('is refused as another media type, and with a coding', async () => {
    const others: Record<string, string>[] = [{ 'content-type': 'text/plain' }, { 'content-encoding': 'gzip' }];
    for (const headers of others) {
      const answer = await platform.fetch('/v1/packets', { method: 'POST', body: '{}', key: source.key, headers });
      expect(answer).toMatchObject({ status: 415, json: { code: 'unsupported_media_type' } });
    }
  });

  it('is refused when the body is over the limit, with the limit and what it was', async () => {
    const bytes = Buffer.from(JSON.stringify({ reason: 'x'.repeat(LIMITS.jsonBodyBytes) }));
    const answer = await platform.fetch('/v1/packets', { method: 'POST', body: bytes, key: source.key });
    expect(answer).toMatchObject({
      status: 413,
      json: { code: 'body_too_large', limit: LIMITS.jsonBodyBytes, actual: bytes.length },
    });
    const huge = await platform
      .fetch('/v1/packets', { method: 'POST', body: 'x'.repeat(9 * 1024 * 1024) })
      .catch(() => 'cut off');
    if (typeof huge !== 'string') expect(huge).toMatchObject({ status: 413, json: { code: 'body_too_large' } });
    expect((await platform.fetch('/v1/limits')).status).toBe(200);
  });

  it('is refused when inline content is over its limit, not what was declared, or missing', async () => {
    const inline = (part: object) =>
      platform.fetch('/v1/packets', {
        method: 'POST',
        key: source.key,
        body: inlineRequest(destination, { parts: [{ name: 'a', mediaType: 'text/plain', ...part }] }),
      });
    const content = newFile(LIMITS.inlineContentBytes + 1).bytes.toString('base64');
    const tooMuch = { code: 'limit_exceeded', limit: LIMITS.inlineContentBytes, actual: LIMITS.inlineContentBytes + 1 };
    expect(await inline({ content })).toMatchObject({ status: 422, json: tooMuch });
    expect(await inline({ content: 'aGVsbG8=', size: 4 })).toMatchObject({
      status: 422,
      json: { code: 'content_mismatch' },
    });
    const sha256 = `${'A'.repeat(43)}=`;
    expect(await inline({ content: 'aGVsbG8=', sha256 })).toMatchObject({
      status: 422,
      json: { code: 'content_mismatch' },
    });
    expect((await inline({})).status).toBe(400);
  });

  it('is refused when two parts have one name, and when deliverAfter is not before deliverBy', async () => {
    const part = { name: 'a', mediaType: 'text/plain', content: 'aGVsbG8=' };
    const post = (asked: object) =>
      platform.fetch('/v1/packets', {
        method: 'POST',
        key: source.key,
        body: { ...inlineRequest(destination), ...asked },
      });
    expect(codeAt((await post({ parts: [part, part] })).json, '/parts/1/name')).toBe('unique');
    const at = new Date(Date.now() + 60_000).toISOString();
    const policy = { deliverAfter: at, deliverBy: at };
    expect(codeAt((await post({ policy })).json, '/policy/deliverAfter')).toBe('after_deadline');
  });

  it.each([
    '/v1/packets?limit=0',
    '/v1/packets?limit=501',
    '/v1/packets?limit=x',
    '/v1/packets?limit=1.5',
    '/v1/packets?cursor=rubbish',
    '/v1/packets?cursor=%00',
    '/v1/packets?state=done',
    '/v1/packets?since=yesterday',
    '/v1/packets?until=2026-W47-5',
    '/v1/packets?q=%00',
    '/v1/packets?to=%00',
    '/v1/packets?khongCo=1',
    '/v1/packets?limit=1&limit=2',
    '/v1/deliveries?state=done',
    '/v1/deliveries?limit=-1',
    '/v1/deliveries?cursor=rubbish',
    '/v1/events?after=-1',
    '/v1/events?after=x',
    '/v1/events?waitSeconds=26',
    '/v1/events?limit=501',
    '/v1/directory?limit=0',
    '/v1/directory?q=%00',
    '/v1/directory?khongCo=1',
    '/v1/packets/not-an-id',
    '/v1/packets/not-an-id/receipts',
    '/v1/packets/%00',
    '/v1/packets/%ff',
    '/v1/directory/not%20a%20code',
    '/v1/khong-co',
  ])('is refused in the path or query: %s', async (target) => {
    for (const language of ['vi', 'en'] as const) {
      const { status, json, headers } = await platform.fetch(target, { key: source.key, language });
      expect([400, 404]).toContain(status);
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(json).toMatchObject({ status, code: expect.stringMatching(/^[a-z_]+$/), detail: expect.any(String) });
    }
  });

  it('answers a method that a path does not take with 405 or 404, never with a page of its own', async () => {
    const { status, json } = await platform.fetch('/v1/packets', { method: 'PUT', body: {}, key: source.key });
    expect([404, 405]).toContain(status);
    expect(json.code).toMatch(/^(not_found|method_not_allowed)$/);
    // A gateway refuses this one by itself.
    const trace = `TRACE /v1/packets HTTP/1.1\r\nHost: ${new URL(platform.baseUrl).host}\r\nConnection: close\r\n\r\n`;
    const [traced] = await sendRaw(platform.baseUrl, trace);
    expect(traced.status).toBe(405);
    expect(traced.headers).toMatch(/^allow: .*POST/im);
    expect(traced.headers).toMatch(/^content-type: application\/problem\+json/im);
    expect(JSON.parse(traced.body)).toMatchObject({ status: 405, code: 'method_not_allowed' });
  });
});

type Answer = { status: number; json: Problem; headers: Headers };

/** What is wrong with two answers to bad input; an empty text when nothing is. */
function complaint(pointer: string, vi: Answer, en: Answer): string {
  if (vi.status !== 400 || en.status !== 400) return `answered ${vi.status} ${en.status} ${en.json.code ?? ''}`;
  if (en.json.code !== 'validation_failed' || vi.json.code !== en.json.code) return `code ${en.json.code}`;
  if (!(vi.json.detail && en.json.detail) || vi.json.detail === en.json.detail) return 'no next step in both languages';
  const [viField, enField] = [vi, en].map(({ json }) => fieldAt(json, pointer));
  if (!viField || !enField) return `names ${en.json.errors?.map((error) => error.pointer).join(' ') ?? 'nothing'}`;
  if (!/^[a-z0-9_]+$/.test(enField.code) || enField.code !== viField.code) return `rule ${enField.code}`;
  if (!enField.message || enField.message === viField.message) return `says ${enField.message} in both languages`;
  if (vi.headers.get('content-language') !== 'vi' || en.headers.get('content-language') !== 'en')
    return 'no Content-Language';
  return '';
}

/** The error of a field, or of an item in it. */
const fieldAt = ({ errors }: Problem, pointer: string): FieldError | undefined =>
  errors?.find((error) => error.pointer === pointer || error.pointer.startsWith(`${pointer}/`));
const codeAt = (problem: Problem, pointer: string): string | undefined => fieldAt(problem, pointer)?.code;

function withValue(body: object, pointer: string, value: unknown): object {
  const copy = structuredClone(body) as Record<string, unknown>;
  const path = pointer.slice(1).split('/');
  const last = path.pop() as string;
  let holder = copy;
  for (const name of path) holder = holder[name] as Record<string, unknown>;
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return copy;
}

/** Pointers of every object in a body, the first item of each list included. */
function levelsOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.length > 0 ? levelsOf(value[0], `${at}/0`) : [];
  if (typeof value !== 'object' || value === null) return [];
  return [at, ...Object.entries(value).flatMap(([name, inner]) => levelsOf(inner, `${at}/${name}`))];
}

function pointersOf(document: OpenApi, schema: Schema, at = ''): string[] {
  const { $ref, allOf, items, properties } = schema;
  if ($ref) return pointersOf(document, document.components.schemas[$ref.split('/').at(-1) ?? ''], at);
  if (allOf) return allOf.flatMap((one) => pointersOf(document, one, at));
  if (items) return pointersOf(document, items, at);
  return Object.entries(properties ?? {}).flatMap(([name, inner]) => [
    `${at}/${name}`,
    ...pointersOf(document, inner, `${at}/${name}`),
  ]);
}

const normal = (path: string): string => path.replaceAll(/\{[^}]*\}/g, '{}');
