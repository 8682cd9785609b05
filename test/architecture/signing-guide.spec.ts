import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ErrorCode, ERRORS } from '@lienthong/contracts';
import { signatureBase, signRequest } from '@lienthong/signing';

const root = join(__dirname, '../..');
const examples = join(root, 'libs/client/examples');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Indentation apart, which a quotation leaves out. */
const lines = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .join('\n');

const EXCERPT = /<!-- excerpt (\S+) -->\n```\w+\n([\s\S]*?)\n```/g;
/** Protocol, section 3. */
const REFUSALS: ErrorCode[] = [
  'signature_missing',
  'signature_malformed',
  'signature_incomplete',
  'digest_mismatch',
  'unknown_key',
  'key_revoked',
  'key_expired',
  'algorithm_not_allowed',
  'signature_invalid',
  'clock_skew',
  'replayed_request',
  'session_expired',
];
const LANGUAGES = ['csharp', 'java', 'php', 'python', 'shell'];

describe.each(['docs/signing.md', 'docs/signing.vi.md'])('%s', (page) => {
  const text = read(page);
  const excerpts = [...text.matchAll(EXCERPT)];

  it('quotes each of the five languages, and what it quotes is in the example to the letter', () => {
    expect([...new Set(excerpts.map(([, file]) => file.split('/')[0]))].toSorted()).toEqual(LANGUAGES);
    for (const [, file, excerpt] of excerpts) {
      expect(lines(read(`libs/client/examples/${file}`))).toContain(lines(excerpt));
    }
    // Every block of code in a language is such a quotation.
    expect(text.match(/```\w+\n/g)).toHaveLength(excerpts.length);
  });

  it('works its example as the library does', () => {
    const request = { method: 'POST', target: '/v1/packets', body: '{}' };
    const secret = 'c2VjcmV0LWtleS1mb3ItZG9jcy1vbmx5LTMyYnl0ZXM';
    const key = { keyId: 'AKEXAMPLE', alg: 'hmac-sha256', secret } as const;
    const options = { created: 1_790_000_000, nonce: 'n-0123456789abcdef' };
    const made = signRequest(request, key, options);
    expect(text).toContain(secret);
    expect(text).toContain(`\`\`\`\n${signatureBase(request, key, options)}\n\`\`\``);
    expect(text).toContain(
      `Content-Digest: ${made['content-digest']}\nSignature-Input: ${made['signature-input']}\nSignature: ${made.signature}\n`,
    );
  });

  it('names every code that a signature can be refused with, and no other', () => {
    const table = text.slice(text.indexOf('\n## 4.'), text.indexOf('\n## 5.'));
    const named = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, codes]) =>
      codes.replaceAll('`', '').split(', '),
    );
    expect(named.toSorted()).toEqual(REFUSALS.toSorted());
    for (const code of REFUSALS) expect(ERRORS[code].status).toBe(401);
  });
});

/** Lines of an example and of what it imports from beside it. */
function linesOf(file: string): number {
  const text = read(`libs/client/examples/${file}`);
  const imported = [...text.matchAll(/^(?:from|import) (\w+)/gm)].map(([, name]) => join(dirname(file), `${name}.py`));
  const own = imported.filter((name) => existsSync(join(examples, name)));
  return text.split('\n').length - 1 + own.reduce((sum, name) => sum + linesOf(name), 0);
}

it('keeps every example small: 150 lines for a client, fewer than 200 for a verifier with what it imports', () => {
  const files = LANGUAGES.flatMap((language) =>
    readdirSync(join(examples, language)).map((name) => `${language}/${name}`),
  );
  const sizes = files
    .filter((file) => statSync(join(examples, file)).isFile())
    .map((file) => [file, linesOf(file)] as const);
  expect(sizes.length).toBeGreaterThanOrEqual(7);
  const tooLong = sizes.filter(([file, size]) => size > (/\/verify\w*\.py$/.test(file) ? 199 : 150));
  expect(tooLong).toEqual([]);
});
