import { type SigningKey, signRequest } from '@lienthong/signing';
import { DOCUMENTED_ROUTES } from '../support/openapi-routes';
import { onEmbedded, type Party, type Platform, startPlatform } from '../support/platform';
import { rawRequest, type RawResponse, sendRaw } from '../support/raw-http';

jest.setTimeout(180_000);

/** Other spellings of a path that some reader in front of us, or we, might take for the same. */
const CONFUSIONS: Record<string, (path: string) => string> = {
  'an empty segment in front': (path) => `/${path}`,
  'an empty segment within': (path) => path.replace(/(.)\//, '$1//'),
  'a dot segment': (path) => `/.${path}`,
  'a step back': (path) => `/x/..${path}`,
  'an encoded step back': (path) => `/x/%2e%2e${path}`,
  'an encoded step back in capitals': (path) => `/x/%2E%2E${path}`,
  'a step back encoded twice': (path) => `/x/%252e%252e${path}`,
  'an encoded slash': (path) => path.replace(/\/(?=[^/]*$)/, '%2F'),
  'an encoded slash in small letters': (path) => path.replace(/\/(?=[^/]*$)/, '%2f'),
  'an overlong slash': (path) => path.replace(/\/(?=[^/]*$)/, '/%c0%af'),
  'a backslash': (path) => path.replace(/\/(?=[^/]*$)/, '\\'),
  'an encoded backslash': (path) => path.replace(/\/(?=[^/]*$)/, '/%5C'),
  'a parameter of the path': (path) => `${path};a=b`,
  'an encoded parameter': (path) => `${path}%3Ba=b`,
  'a dot at the end': (path) => `${path}.`,
  'a slash at the end': (path) => `${path}/`,
  'two slashes at the end': (path) => `${path}//`,
  'an encoded blank at the end': (path) => `${path}%20`,
  'an encoded NUL at the end': (path) => `${path}%00`,
  'an encoded line end': (path) => `${path}%0d%0aX-A:%20b`,
  'an encoded letter': (path) => path.replace(/[a-z]/, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`),
  'a capital letter': (path) => path.replace(/[a-z]/, (one) => one.toUpperCase()),
  'an extension': (path) => `${path}.json`,
  'a fragment': (path) => `${path}#x`,
  'an encoded question mark': (path) => `${path}%3Flimit=1`,
  // A gateway turns it into the origin form (RFC 9112 3.2.2), and the platform then has the request that was signed.
  ...(onEmbedded && { 'another origin in absolute form': (path: string) => `http://elsewhere.test${path}` }),
};

describe('Abuse of requests', () => {
  let platform: Platform;
  let source: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    source = await platform.makeParty();
  });
  afterAll(() => platform?.stop());

  const ask = (text: string) => sendRaw(platform.baseUrl, text);
  const signatureOf = (key: SigningKey, target: string, method = 'GET'): string[] => {
    try {
      return Object.entries(signRequest({ method, target }, key)).map(([name, value]) => `${name}: ${value}`);
    } catch {
      return []; // a target that no honest signer signs
    }
  };
  const shown = (answers: RawResponse[]) =>
    answers.map(({ status, body }) => `${status} ${body.slice(0, 80)}`).join(' | ');

  /** One answer, of one of these statuses. */
  const oneOf = (statuses: number[], answers: RawResponse[]) =>
    answers.length === 1 && statuses.includes(answers[0].status) ? 'as it should be' : shown(answers);

  it(`A7 serves no other spelling of a path, on any of ${DOCUMENTED_ROUTES.length} routes, signed for it by an administrator`, async () => {
    const wrong: string[] = [];
    const counts: Record<number, number> = {};
    for (const { method, path } of DOCUMENTED_ROUTES) {
      const spellings = Object.entries(CONFUSIONS).filter(([, spell]) => spell(path) !== path);
      const answers = await Promise.all(
        spellings.map(([, spell]) => {
          const target = spell(path);
          return ask(rawRequest(`${method} ${target}`, signatureOf(platform.adminKey, target, method)));
        }),
      );
      for (const [index, answer] of answers.entries()) {
        const status = answer.length === 1 ? answer[0].status : 0;
        counts[status] = (counts[status] ?? 0) + 1;
        // 403: another id, of a route that is not an administrator's.
        if (![400, 401, 403, 404].includes(status))
          wrong.push(`${method} ${path}, ${spellings[index][0]}: ${shown(answer)}`);
      }
    }
    process.stdout.write(`A7: ${DOCUMENTED_ROUTES.length} routes, by status ${JSON.stringify(counts)}\n`);
    expect(wrong).toEqual([]);
  });

  it('A8 refuses a name that stands twice in the query, and a query that it does not know', async () => {
    const refused: Record<string, unknown> = {};
    const targets = [
      '/v1/packets?limit=1&limit=2',
      '/v1/packets?limit=1&limit=1',
      '/v1/packets?limit[]=1',
      '/v1/packets?limit[a]=1',
      '/v1/packets?__proto__=1',
      '/v1/packets?__proto__[admin]=1',
      '/v1/packets?constructor=1',
      '/v1/packets?q=a&Q=b',
      '/v1/deliveries?state=pending&state=ready',
      '/v1/events?after=0&after=1',
      '/v1/directory?q=a&q=b',
    ];
    for (const target of targets) refused[target] = (await platform.fetch(target, { key: source.key })).status;
    expect(refused).toEqual(Object.fromEntries(targets.map((target) => [target, 400])));
  });

  describe('A6', () => {
    const body = '{}';
    /** A request that would be taken, with one line of its head changed. */
    const answerTo = async (change: (lines: string[]) => string[]) => {
      const target = '/v1/stream-tickets';
      const signed = signRequest({ method: 'POST', target, body: Buffer.from(body) }, source.key);
      const lines = Object.entries({ ...signed, 'Content-Type': 'application/json', 'Content-Length': '2' });
      return ask(rawRequest(`POST ${target}`, change(lines.map(([name, value]) => `${name}: ${value}`)), body));
    };
    const line = (lines: string[], name: string) => lines.find((one) => one.toLowerCase().startsWith(`${name}:`)) ?? '';
    const COVERED = ['signature', 'signature-input', 'content-digest'];

    it('takes the honest request that the others are made of', async () => {
      expect((await answerTo((lines) => lines)).map(({ status }) => status)).toEqual([201]);
    });

    it.each([...COVERED, 'content-type', 'content-length', 'host'])(
      'refuses a second header %s, before anything else',
      async (name) => {
        const second = (lines: string[]) => (name === 'host' ? 'Host: elsewhere.test' : line(lines, name));
        for (const spelling of [
          (text: string) => text,
          (text: string) => text.toUpperCase().slice(0, name.length) + text.slice(name.length),
        ]) {
          const answers = await answerTo((lines) => [...lines, spelling(second(lines))]);
          expect([name, oneOf([400, 401, 415], answers)]).toEqual([name, 'as it should be']);
        }
      },
    );

    it.each([
      ['folded', (text: string) => text.replace(': ', ':\r\n ')],
      ['folded by a tab', (text: string) => text.replace(': ', ':\r\n\t')],
      ['with a bare carriage return', (text: string) => `${text}\rX-B: 2`],
      ['with a bare line feed that begins another header', (text: string) => `${text}\n@method: GET`],
      ['with a NUL', (text: string) => `${text}\0`],
      ['with a blank before its colon', (text: string) => text.replace(':', ' :')],
      ['named with a blank', (text: string) => ` ${text}`],
    ])('refuses a covered header that is %s', async (_what, change) => {
      for (const name of COVERED) {
        const answers = await answerTo((lines) => lines.map((one) => (one === line(lines, name) ? change(one) : one)));
        expect([name, oneOf([400, 401], answers)]).toEqual([name, 'as it should be']);
      }
    });

    it('refuses headers that are named as parts of the signature', async () => {
      for (const name of ['@method', '@path', '@query', '@signature-params']) {
        const answers = await answerTo((lines) => [...lines, `${name}: x`]);
        expect(answers.map(({ status }) => status)).toEqual([400]);
      }
    });
  });

  describe('A39', () => {
    /** Public, and answered with 200: where it is answered, the bytes of a body were read as a request. */
    const SMUGGLED = 'GET /v1/limits HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const post = (headers: string[], body: string) =>
      [`POST /v1/signature-checks HTTP/1.1`, 'Host: x', 'Content-Type: application/json', ...headers, '', body].join(
        '\r\n',
      );
    const hex = SMUGGLED.length.toString(16);

    it.each([
      ['a length beside chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${SMUGGLED}`],
      [
        'chunks beside a length',
        ['Transfer-Encoding: chunked', `Content-Length: ${SMUGGLED.length + 5}`],
        `0\r\n\r\n${SMUGGLED}`,
      ],
      ['two lengths', ['Content-Length: 0', `Content-Length: ${SMUGGLED.length}`], SMUGGLED],
      ['a list of lengths', [`Content-Length: 0, ${SMUGGLED.length}`], SMUGGLED],
      ['a length with a sign', ['Content-Length: +0'], SMUGGLED],
      ['a negative length', ['Content-Length: -1'], SMUGGLED],
      ['a length in hex', ['Content-Length: 0x0'], SMUGGLED],
      ['a length with a blank within', [`Content-Length: 0 ${SMUGGLED.length}`], SMUGGLED],
      ['an unknown coding', ['Transfer-Encoding: xchunked'], SMUGGLED],
      ['chunks that are not last', ['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${SMUGGLED}`],
      ['chunks twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], `0\r\n\r\n${SMUGGLED}`],
      ['a coding behind a vertical tab', ['Transfer-Encoding: \x0bchunked'], `0\r\n\r\n${SMUGGLED}`],
      ['a coding whose name ends in a blank', ['Transfer-Encoding : chunked'], `0\r\n\r\n${SMUGGLED}`],
      ['a coding on a folded line', ['X: y\r\n Transfer-Encoding: chunked', 'Content-Length: 0'], SMUGGLED],
      ['a coding behind a bare line feed', ['X: y\nTransfer-Encoding: chunked', 'Content-Length: 0'], SMUGGLED],
      ['a chunk whose size is no number', ['Transfer-Encoding: chunked'], `0x0\r\n\r\n${SMUGGLED}`],
      [
        'a chunk whose size is too large to count',
        ['Transfer-Encoding: chunked'],
        `ffffffffffffffff0\r\n\r\n${SMUGGLED}`,
      ],
      ['a chunk that ends with a bare line feed', ['Transfer-Encoding: chunked'], `${hex}\n${SMUGGLED}\n0\n\n`],
      ['a chunk longer than it says', ['Transfer-Encoding: chunked'], `1\r\n{}${SMUGGLED}`],
    ])('reads no second request out of %s', async (_what, headers, body) => {
      const answers = await ask(post(headers, body));
      expect(answers.map(({ status }) => status).filter((status) => status < 400)).toEqual([]);
      expect(answers.length).toBeLessThanOrEqual(1);
      for (const { status } of answers) expect(status).toBeLessThan(502);
    });

    it('gives each of two honest requests on one connection its own answer', async () => {
      const first = 'GET /v1/limits HTTP/1.1\r\nHost: x\r\n\r\n';
      expect((await ask(first + SMUGGLED)).map(({ status }) => status)).toEqual([200, 200]);
    });

    it('does not speak HTTP/2 without TLS, nor switch to it', async () => {
      const preface = await ask('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      expect(preface.map(({ status }) => status).filter((status) => status < 400)).toEqual([]);
      const upgrade = [
        'Upgrade: h2c',
        'Connection: Upgrade, HTTP2-Settings, close',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
      ];
      const answers = await ask(`GET /v1/limits HTTP/1.1\r\nHost: x\r\n${upgrade.join('\r\n')}\r\n\r\n`);
      expect(answers.map(({ status }) => status).filter((status) => status === 101)).toEqual([]);
    });
  });
});
