import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SigningKey } from '@lienthong/signing';
import { eventually } from '../support/eventually';
import { type Party, type Platform, startPlatform } from '../support/platform';
import { RIGHTS, type Subject } from './rights.table';

jest.setTimeout(120_000);

const { paths } = JSON.parse(readFileSync(`${__dirname}/../../docs/openapi.json`, 'utf8')) as {
  paths: Record<string, Record<string, object>>;
};
const ROUTES = Object.entries(paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => ({
    method: method.toUpperCase(),
    path,
    name: `${method.toUpperCase()} ${path}`,
  })),
);
const subjectOf = ({ name, path }: { name: string; path: string }): Subject | undefined =>
  path.startsWith('/v1/admin/') ? 'administrator' : RIGHTS[name]?.of;
const routesOf = (...subjects: Subject[]) => ROUTES.filter((route) => subjects.includes(subjectOf(route) ?? 'public'));

describe('Rights, on every route of the OpenAPI document', () => {
  let platform: Platform;
  let owner: Party;
  let stranger: Party;
  let packetId: string;
  let deliveryId: string;
  let accessKey: string;
  let grantId: string;

  beforeAll(async () => {
    platform = await startPlatform();
    [owner, stranger] = [await platform.makeParty(), await platform.makeParty()];
    const part = {
      name: 'a.txt',
      mediaType: 'text/plain',
      size: 1,
      sha256: 'ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=',
    };
    const body = {
      to: [owner.systemId],
      title: 'x',
      dataType: 'file',
      protocol: 'inline',
      parts: [{ ...part, content: 'YQ==' }],
    };
    const sent = await platform.fetch<{ packetId: string }>('/v1/packets', { method: 'POST', body, key: owner.key });
    ({ packetId } = sent.json);
    const found = async () => {
      for await (const one of owner.client.deliveries.list()) if (one.packetId === packetId) return one.deliveryId;
      return undefined;
    };
    await eventually(async () => (await found()) !== undefined, { within: 30_000 });
    deliveryId = (await found())!;
    ({ accessKey } = await platform.admin.admin.keys.issue(owner.systemId, { algorithms: ['hmac-sha256'] }));
    ({ grantId } = await platform.admin.admin.grants.create({ from: owner.systemId, to: '*', dataTypes: ['file'] }));
  });
  afterAll(() => platform?.stop());

  const fill = (path: string, values: Record<string, string>) =>
    path.replace(/\{(\w+)\}/g, (_whole, name: string) => values[name]);
  const existing = () => {
    const [code, slug] = owner.systemId.split('/');
    return { packetId, deliveryId, accessKey, grantId, code, slug };
  };
  const absent = () => ({
    packetId: randomUUID(),
    deliveryId: randomUUID(),
    accessKey: `AK${randomUUID()}`,
    grantId: randomUUID(),
    code: 'H99.0000000000',
    slug: 'khong-co',
  });
  const ask = async (
    { method, path, name }: (typeof ROUTES)[number],
    values: Record<string, string>,
    key?: SigningKey,
  ) => {
    const target = fill(path, values);
    const { status, text } = await platform.fetch(target, { method, body: RIGHTS[name]?.body, key });
    const plain = Object.values(values).reduce((left, value) => left.replaceAll(value, '…'), text);
    return { status, text: plain };
  };

  it('has a row in the table for every route, and no row without a route (A18)', () => {
    expect(ROUTES.filter((route) => !subjectOf(route)).map(({ name }) => name)).toEqual([]);
    const names = new Set(ROUTES.map(({ name }) => name));
    expect(Object.keys(RIGHTS).filter((name) => !names.has(name))).toEqual([]);
  });

  it.each(routesOf('packet', 'delivery', 'key', 'administrator', 'signed'))(
    '$name refuses who does not sign',
    async (route) => {
      const { status, text } = await ask(route, existing());
      expect({ status, code: (JSON.parse(text) as { code: string }).code }).toEqual({
        status: 401,
        code: 'signature_missing',
      });
    },
  );

  it.each(routesOf('packet', 'delivery', 'key'))(
    '$name answers for what is another’s as for what does not exist',
    async (route) => {
      const foreign = await ask(route, existing(), stranger.key);
      expect(foreign).toEqual(await ask(route, absent(), stranger.key));
      expect(foreign.status).toBe(404);
    },
  );

  it.each(routesOf('administrator'))(
    '$name refuses a system, whether what the path names exists or not',
    async (route) => {
      const foreign = await ask(route, existing(), stranger.key);
      expect(foreign).toEqual(await ask(route, absent(), stranger.key));
      expect(foreign).toEqual(await ask(route, existing(), owner.key));
      expect(foreign.status).toBe(403);
    },
  );

  it.each(routesOf('packet', 'delivery', 'key'))(
    '$name gives an administrator, a party to nothing, nothing of its own',
    async (route) => {
      const given = await ask(route, existing(), platform.adminKey);
      expect(given).toEqual(await ask(route, absent(), platform.adminKey));
      expect([403, 404]).toContain(given.status);
    },
  );

  it.each(routesOf('packet', 'delivery', 'key'))('$name knows what is one’s own', async (route) => {
    const { status } = await ask(route, existing(), owner.key);
    expect([401, 403, 404]).not.toContain(status);
    expect(status).toBeLessThan(500);
  });
});
