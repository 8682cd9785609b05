import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const lines = read('test/faults/README.md').split('\n');
const rows = lines.filter((line) => /^\| F\d/.test(line)).map((line) => line.split(' | '));
const nameOf = ([number]: string[]): string => number.replace('| ', '');

/** Every `file` “title” of a row. */
const references = rows.flatMap((row) =>
  [...row.join(' | ').matchAll(/`((?:test|libs|apps)\/[^`]+)` “([^”]+)”/g)].map(
    ([, file, title]) => [nameOf(row), file, title] as const,
  ),
);

describe('The fault matrix', () => {
  it('has every row of the design, and what was found beside them, in order', () => {
    expect(rows.length).toBeGreaterThanOrEqual(70);
    expect(rows.map(nameOf)).toEqual(Array.from({ length: rows.length }, (_, index) => `F${index + 1}`));
  });

  it('says of each row what must happen, by what it is shown, and what was measured', () => {
    expect(lines.find((line) => line.startsWith('| # |'))).toBe(
      '| # | Component: fault | What must happen | Shown by | Measured |',
    );
    expect(rows.filter((row) => row.length !== 5 || row.some((cell) => !/\w/.test(cell) && cell !== '– |'))).toEqual(
      [],
    );
    const shown = rows.filter(([, , , by]) => !by.startsWith('**not shown**'));
    expect(shown.filter(([, , , by, measured]) => !/` “|`npm run /.test(by) || measured === '– |').map(nameOf)).toEqual(
      [],
    );
  });

  it.each(references)('%s: %s holds “%s”', (_name, file, title) => {
    expect(existsSync(join(root, file))).toBe(true);
    expect(read(file)).toContain(title);
  });

  it('names files and commands in no other way, and none that is not there', () => {
    const text = rows.flat().join(' ');
    expect([...text.matchAll(/(?:test|libs|apps)\/[\w./-]+/g)]).toHaveLength(references.length);
    for (const [, script] of text.matchAll(/`npm run ([\w:]+)`/g)) expect(scripts).toHaveProperty([script]);
  });

  it('leaves out no file of fault tests', () => {
    const named = new Set(references.map(([, file]) => file));
    const files = readdirSync(join(root, 'test/faults')).filter((name) => name.endsWith('.test.ts'));
    expect(files.filter((name) => !named.has(`test/faults/${name}`))).toEqual([]);
  });
});
