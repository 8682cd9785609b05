import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ts from 'typescript';
import { createContext, runInContext } from 'node:vm';

jest.setTimeout(180_000);

const root = join(__dirname, '../..');
/** What Node takes in all headers together; long enough to show what is quadratic. */
const LENGTH = 16_384;
const LIMIT_MS = 50;

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

function fastest(work: () => void): number {
  let least = Infinity;
  for (let round = 0; round < 3 && least > LIMIT_MS; round++) {
    const began = performance.now();
    work();
    least = Math.min(least, performance.now() - began);
  }
  return least;
}

describe('Abuse of patterns', () => {
  it(`A53 has no regular expression that takes longer than ${LIMIT_MS} ms for a text that was made for it`, () => {
    const context = createContext({ text: '' });
    const all = patterns();
    const slow = new Map<string, string>();
    let tried = 0;
    let worst = { ms: 0, what: '' };
    for (const [pattern, where] of all)
      for (const pump of PUMPS) {
        const body = pump.repeat(Math.ceil(LENGTH / pump.length));
        for (const head of HEADS)
          for (const tail of TAILS) {
            if (head !== '' && tail !== '' && tail !== '!') continue;
            tried++;
            context.text = head + body + tail;
            // The least of three: a process that shares its processor may be held up once.
            const ms = fastest(() => {
              try {
                runInContext(`${pattern}.test(text)`, context, { timeout: 2000 });
              } catch {
                // Cut off, and slow enough.
              }
            });
            if (ms > worst.ms) worst = { ms, what: `${pattern} in ${where}` };
            if (ms > LIMIT_MS)
              slow.set(
                pattern,
                `${where}: ${ms.toFixed(0)} ms for ${JSON.stringify(head)} ${JSON.stringify(pump)}… ${JSON.stringify(tail)}`,
              );
          }
      }
    process.stdout.write(
      `A53: ${all.size} expressions, ${tried} texts of ${LENGTH} characters, the slowest ${worst.ms.toFixed(1)} ms (${worst.what})\n`,
    );
    expect(all.size).toBeGreaterThan(80);
    expect([...slow]).toEqual([]);
  });
});
