import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ts from 'typescript';
import { createContext, runInContext } from 'node:vm';

jest.setTimeout(180_000);

const root = join(__dirname, '../..');
/** What Node takes in all headers together; long enough to show what is quadratic. */
const LENGTH = 16_384;
/** What is quicker harms nobody, however it grows. */
const SEEN_MS = 20;
/** Four times the text: a linear expression takes four times as long, a quadratic one sixteen times. */
const LINEAR = 9;

/** Every regular expression that stands in the source of what serves requests. */
function patterns(): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of ['apps', 'libs']) {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((one) =>
      /^(?!client\/)[a-z]+\/src\/.*(?<!\.spec|\.fixture)\.ts$/.test(one.replaceAll('\\', '/')),
    )) {
      const tree = ts.createSourceFile(
        file,
        readFileSync(join(root, folder, file), 'utf8'),
        ts.ScriptTarget.ES2022,
        true,
      );
      const visit = (node: ts.Node): void => {
        if (ts.isRegularExpressionLiteral(node)) found.set(node.text, `${folder}/${file}`);
        ts.forEachChild(node, visit);
      };
      visit(tree);
    }
  }
  return found;
}

/** What repeated makes a badly written expression try everything: one character of each class, and the groups of ours. */
const PUMPS = [...'aA0_-./=+ \t\n,;:"\\%~(é\u0301'].concat(
  [
    'aA0',
    '0.',
    'a.',
    'a-',
    'a/',
    'a b',
    '; a=b',
    ' ,',
    '","',
    '\\"',
    '%41',
    '%C3%A9',
    '::',
    '.0',
    '=;',
    'sig=',
    '"@path" ',
  ],
  ['0-', '\r\n', '../', 'H01.'],
);
const HEADS = ['', 'a', '/', '"', 'H01.', 'sig=(', 'a/b', 'http://', '2026-01-01T00:00:00'];
const TAILS = ['', '!', '\0', '\n', '"', '='];

const context = createContext({ text: '' });

/** The least of a few, ms; Infinity when each was cut off: who shares the processor is held up now and then. */
function leastTime(pattern: string, text: string, rounds: number, enough: number): number {
  context.text = text;
  let least = Infinity;
  for (let round = 0; round < rounds && least > enough; round++) {
    const began = performance.now();
    try {
      runInContext(`${pattern}.test(text)`, context, { timeout: 1000 });
    } catch {
      continue;
    }
    least = Math.min(least, performance.now() - began);
  }
  return least;
}

/**
 * Whether four times the text takes far more than four times as long (a quadratic expression: sixteen times), once it takes long enough to be seen. A ratio and
 * not a time: on a machine that is held up everything takes long.
 */
function growsTooFast(pattern: string, textOf: (length: number) => string): boolean {
  const first = leastTime(pattern, textOf(LENGTH), 3, SEEN_MS);
  if (first <= SEEN_MS || first === Infinity) return first === Infinity;
  const long = leastTime(pattern, textOf(LENGTH), 20, SEEN_MS);
  return long > SEEN_MS && long > LINEAR * leastTime(pattern, textOf(LENGTH / 4), 20, 0);
}

/** What of the texts made for it an expression takes too long for; undefined when there is none. */
function hardText(pattern: string): string | undefined {
  for (const pump of PUMPS)
    for (const head of HEADS)
      for (const tail of TAILS) {
        if (head !== '' && tail !== '' && tail !== '!') continue;
        if (growsTooFast(pattern, (length) => head + pump.repeat(Math.ceil(length / pump.length)) + tail))
          return `${JSON.stringify(head)} ${JSON.stringify(pump)}… ${JSON.stringify(tail)}`;
      }
  return undefined;
}

describe('Abuse of patterns', () => {
  it.each([['/(a+)+$/'], ['/\\s+$/'], ['/^[^,]*,.*,.*,.*!$/']])('finds %s', (pattern) => {
    expect(hardText(pattern)).toBeDefined();
  });

  it('A53 has no regular expression whose time grows faster than the text that was made for it', () => {
    const all = patterns();
    const hard = [...all].map(([pattern, where]) => ({ pattern, where, text: hardText(pattern) }));
    process.stdout.write(`A53: ${all.size} expressions\n`);
    expect(all.size).toBeGreaterThan(80);
    expect(hard.filter(({ text }) => text !== undefined)).toEqual([]);
  });
});
