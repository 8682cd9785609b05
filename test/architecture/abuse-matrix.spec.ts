import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const rows = readFileSync(join(root, 'test/abuse/README.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| A\d/.test(line));

/** Every `file` “title” of a row. */
const references = rows.flatMap((row) => {
  const [, number] = /^\| (A\d+) \|/.exec(row) ?? [];
  return [...row.matchAll(/`((?:test|libs|apps)\/[^`]+)` “([^”]+)”/g)].map(
    ([, file, title]) => [number, file, title] as const,
  );
});

describe('The abuse matrix', () => {
  it('has every row, in order', () => {
    expect(rows.map((row) => row.split(' ')[1])).toEqual(Array.from({ length: 60 }, (_, index) => `A${index + 1}`));
  });

  it.each(references)('%s: %s holds “%s”, and names the row', (number, file, title) => {
    expect(existsSync(join(root, file))).toBe(true);
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    expect(lines.find((line) => line.includes(title))).toMatch(new RegExp(`\\b${number}\\b`));
  });

  it('says of each row by which test it is shown, or why by none', () => {
    const bare = rows.filter((row) => !/ “|does not exist|not shown|nothing is unpacked/.test(row));
    expect(bare).toEqual([]);
  });
});
