import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SessionAnswer } from '@lienthong/contracts';
import type { SigningKey } from '@lienthong/signing';
import { eventually } from '../support/eventually';
import { eventOf, sendInline, waiting } from '../support/exchange';
import { onEmbedded, type Party, type Platform, startPlatform } from '../support/platform';
import { RawStream } from '../support/raw-stream';
import { type Ids, RIGHTS, rightsOf, type Subject } from './rights.table';

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
type Route = (typeof ROUTES)[number];

/** Who asks: nobody, another for what is the owner's and for what does not exist, an administrator for both, and the owner. */
const COLUMNS = ['unsigned', 'foreign', 'administrator', 'own'] as const;
interface Cell {
  says: string;
  check: (route: Route) => Promise<void>;
}

describe('Rights, on every route of the OpenAPI document', () => {
  let platform: Platform;
  let owner: Party;
  let stranger: Party;
  let existing: Ids;
  /** The same with a key that only the administrator ends. */
  let administered: Ids;

  beforeAll(async () => {
    platform = await startPlatform();
    const source = await platform.makeParty();
    [owner, stranger] = [await platform.makeParty(), await platform.makeParty()];
    const { packetId } = await sendInline(owner, owner);
    const { deliveryId } = await waiting(owner, packetId);
    await eventOf(owner, packetId, 'packet.available');
    // As if half of its time had passed: now it is one of those that are stuck.
    await platform.sql(`UPDATE deliveries SET available_at = available_at - interval '6 days' WHERE packet_id = $1`, [
      packetId,
    ]);
    const { admin } = platform.admin;
    const issue = async () => (await admin.keys.issue(owner.systemId, { algorithms: ['hmac-sha256'] })).accessKey;
    const { grantId } = await admin.grants.create({ from: owner.systemId, to: '*', dataTypes: ['file'] });
    const session = { method: 'POST', body: { destination: owner.systemId }, key: source.key };
    const { access } = (await platform.fetch<SessionAnswer>('/v1/sessions', session)).json;
    const [code, slug] = owner.systemId.split('/');
    const { accessToken } = access!;
    existing = { packetId, deliveryId, accessKey: await issue(), grantId, code, slug, dataType: 'file', accessToken };
    administered = { ...existing, accessKey: await issue(), dataType: `quyen.${code.toLowerCase().slice(4)}` };
  });
  afterAll(() => platform?.stop());

  const absent = (): Ids => ({
    packetId: randomUUID(),
    deliveryId: randomUUID(),
    accessKey: `AK${randomUUID()}`,
    grantId: randomUUID(),
    code: 'H99.0000000000',
    slug: 'khong-co',
    dataType: 'khong-co',
    accessToken: existing.accessToken.replace(/[^.]+$/, 'x'.repeat(86)),
  });
  const ask = async (route: Route, ids: Ids, key?: SigningKey) => {
    const { method, path } = route;
    const values: Record<string, string> = { ...ids, ...(path.includes('/data-types/') ? { code: ids.dataType } : {}) };
    const target = path.replace(/\{(\w+)\}/g, (_whole, name: string) => values[name]);
    const { body, query } = rightsOf(route) ?? {};
    const asked = { method, body: typeof body === 'function' ? body(ids) : body, key };
    const { status, text } = await platform.fetch(target + (query?.(ids) ?? ''), asked);
    return { status, text, plain: Object.values(ids).reduce((left, id) => left.replaceAll(id, '…'), text) };
  };
  /** What is answered when it exists, after it was found that the same is answered when it does not. */
  const askAlike = async (route: Route, key: SigningKey) => {
    const { text: _, ...known } = await ask(route, existing, key);
    const { text: _text, ...unknown } = await ask(route, absent(), key);
    expect(known).toEqual(unknown);
    return known;
  };
  /** Who is online may change between two looks. */
  const answersAlike = (route: Route, ...[one, other]: SigningKey[]) =>
    eventually(async () => {
      const [first, second] = [await ask(route, existing, one), await ask(route, existing, other)];
      expect(first).toEqual(second);
      expect(first.text).toContain(existing.code);
      return true;
    }).then(() => undefined);
  const upgrade = (headers?: Pick<Party, 'key'>) =>
    headers
      ? RawStream.of(platform.baseUrl, headers)
      : RawStream.at(`${platform.baseUrl.replace(/^http/, 'ws')}/v1/stream`);

  const unsigned: Cell = {
    says: 'refuses who does not sign',
    check: async (route) => {
      const { status, text } = await ask(route, existing);
      expect({ status, code: (JSON.parse(text) as { code: string }).code }).toEqual({
        status: 401,
        code: 'signature_missing',
      });
    },
  };
  const own: Cell = {
    says: 'knows what is one’s own',
    check: async (route) => {
      const { status } = await ask(route, existing, owner.key);
      expect([401, 403, 404]).not.toContain(status);
      expect(status).toBeLessThan(500);
    },
  };
  const open: Cell = {
    says: 'is open to who does not sign',
    check: async (route) => {
      const { status, text } = await ask(route, existing);
      expect(text).not.toContain('signature_missing');
      expect(status).toBeLessThan(500);
    },
  };
  const notToAdministrators: Cell = {
    says: 'gives an administrator, a party to nothing, nothing of its own',
    check: async (route) => expect([403, 404]).toContain((await askAlike(route, platform.adminKey)).status),
  };
  const named = {
    unsigned,
    foreign: {
      says: 'answers for what is another’s as for what does not exist',
      check: async (route) => expect((await askAlike(route, stranger.key)).status).toBe(404),
    },
    administrator: notToAdministrators,
    own,
  } satisfies Record<(typeof COLUMNS)[number], Cell>;

  /** Every subject in every column that has a meaning for it. */
  const MATRIX: Record<Subject, Partial<Record<(typeof COLUMNS)[number], Cell>>> = {
    caller: {
      unsigned,
      foreign: {
        says: 'shows another nothing of the owner’s',
        check: async (route) => {
          const { status, text } = await ask(route, existing, stranger.key);
          expect([200, 404]).toContain(status);
          for (const id of Object.values({ ...existing, slug: owner.systemId, dataType: owner.systemId }))
            expect(text).not.toContain(id);
        },
      },
      administrator: notToAdministrators,
      own: {
        says: 'shows the owner its own',
        check: async (route) => {
          const { status, text } = await ask(route, existing, owner.key);
          const { shows } = rightsOf(route)!;
          expect(status).toBe(shows ? 200 : 404);
          if (shows) expect(text).toContain(existing[shows]);
        },
      },
    },
    body: {
      unsigned,
      foreign: {
        says: 'answers for what is another’s in its body as for what does not exist, and not as its owner',
        check: async (route) => {
          const { plain } = await ask(route, existing, owner.key);
          expect((await askAlike(route, stranger.key)).plain).not.toEqual(plain);
        },
      },
      administrator: notToAdministrators,
      own,
    },
    directory: {
      unsigned,
      foreign: {
        says: 'answers everybody as the one whom it is about, and finds nothing that does not exist',
        check: async (route) => {
          await answersAlike(route, stranger.key, owner.key);
          const missing = await ask(route, absent(), stranger.key);
          if (route.path.includes('{')) expect(missing.status).toBe(404);
          else expect(JSON.parse(missing.text)).toMatchObject({ items: [] });
        },
      },
      administrator: {
        says: 'answers an administrator as everybody',
        check: (route) => answersAlike(route, platform.adminKey, stranger.key),
      },
      own,
    },
    signed: {
      unsigned,
      administrator: {
        says: 'answers an administrator, or refuses because it is no system',
        check: async (route) => {
          const { status } = await ask(route, existing, platform.adminKey);
          expect(status).not.toBe(401);
          expect(status).toBeLessThan(500);
        },
      },
      own: {
        says: 'is for every system',
        check: async (route) => {
          const { status } = await ask(route, existing, owner.key);
          expect([401, 403]).not.toContain(status);
          expect(status).toBeLessThan(500);
        },
      },
    },
    delivery: named,
    packet: named,
    key: named,
    administrator: {
      unsigned,
      foreign: {
        says: 'refuses a system, whether what the path names exists or not',
        check: async (route) => {
          const foreign = await askAlike(route, stranger.key);
          expect(foreign).toMatchObject(await askAlike(route, owner.key));
          expect(foreign.status).toBe(403);
        },
      },
      administrator: {
        says: 'knows an administrator, and tells it what does not exist',
        check: async (route) => {
          const { status } = await ask(route, administered, platform.adminKey);
          expect([401, 403, 404]).not.toContain(status);
          expect(status).toBeLessThan(500);
          if (!route.path.includes('{')) return;
          const missing = await ask(route, absent(), platform.adminKey);
          expect(missing.status).toBe(rightsOf(route)?.absent ?? 404);
        },
      },
    },
    upgrade: {
      unsigned: {
        says: 'opens for nobody who does not sign',
        check: async () => expect((await upgrade()).refused).toBe(401),
      },
      administrator: {
        says: 'opens for no administrator, who has no stream',
        check: async () => expect((await upgrade({ key: platform.adminKey })).refused).toBe(403),
      },
      own: {
        says: 'opens for a system, of its own events only',
        check: async () => {
          const stream = await upgrade(stranger);
          expect(stream.hello).toMatchObject({ type: 'hello', lastOffset: '0' });
          await stream.close();
        },
      },
    },
    public: { unsigned: open },
    internal: onEmbedded ? { unsigned: open } : {},
  };
  const CELLS = COLUMNS.flatMap((column) =>
    Object.entries(MATRIX).flatMap(([subject, row]) =>
      ROUTES.filter((route) => row[column] && rightsOf(route)?.of === subject).map((route) => ({
        route,
        name: route.name,
        ...row[column]!,
      })),
    ),
  );

  it('has a row in the table for every route, and no row without a route (A18)', () => {
    const asked = new Set(CELLS.map(({ name }) => name));
    const missing = ROUTES.filter(({ name }) => !asked.has(name));
    expect(missing.filter((route) => onEmbedded || rightsOf(route)?.of !== 'internal')).toEqual([]);
    const names = new Set(ROUTES.map(({ name }) => name));
    expect(Object.keys(RIGHTS).filter((name) => !names.has(name))).toEqual([]);
  });

  it.each(CELLS)('$name $says', ({ route, check }) => check(route));
});
