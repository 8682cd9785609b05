import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const rows = readFileSync(join(root, 'test/model/README.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| [SL]\d/.test(line));
const nameOf = (row: string): string => row.split(' ')[1];
const numbers = (letter: string, last: number): string[] =>
  Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);

/** Every `file` “title” of a row. */
const references = rows.flatMap((row) =>
  [...row.matchAll(/`((?:test|libs|apps)\/[^`]+)` “([^”]+)”/g)].map(
    ([, file, title]) => [nameOf(row), file, title] as const,
  ),
);

describe('The table of invariants', () => {
  it('has every row, in order', () => {
    expect(rows.map(nameOf)).toEqual([...numbers('S', 25), ...numbers('L', 8)]);
  });

  it.each(references)('%s: %s holds “%s”', (_name, file, title) => {
    expect(existsSync(join(root, file))).toBe(true);
    expect(readFileSync(join(root, file), 'utf8')).toContain(title);
  });

  it('says of each row by which test it is checked, or that it is not', () => {
    expect(rows.filter((row) => !/` “|not checked/.test(row)).map(nameOf)).toEqual([]);
  });

  it('names files in no other way, which nobody would hold to anything', () => {
    const named = rows.flatMap((row) => [...row.matchAll(/(?:test|libs|apps)\/[\w./-]+/g)]);
    expect(named).toHaveLength(references.length);
  });
});
