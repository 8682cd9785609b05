import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(__dirname, '../..');
const folder = 'test/seeded-bugs';
const patches = readdirSync(join(root, folder)).filter((file) => file.endsWith('.patch'));
const rows = readFileSync(join(root, folder, 'README.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line));

/** Every `file` “title” of a row. */
const references = rows.flatMap((row) => {
  const found = [...row.matchAll(/`((?:test|libs|apps)\/[^`]+)` “([^”]+)”/g)];
  return found.map(([, file, title]) => [row.split(' ')[1], file, title] as const);
});

/** A conformance suite is written beside the files that run it. */
const sourcesOf = (file: string): string =>
  [
    file,
    ...(file.includes('/conformance/')
      ? readdirSync(join(root, dirname(file))).map((one) => join(dirname(file), one))
      : []),
  ]
    .filter((one) => one.endsWith('.ts'))
    .map((one) => readFileSync(join(root, one), 'utf8'))
    .join('\n');

describe('The seeded bugs', () => {
  it('are twenty, in order, each with one patch and a test that must fail', () => {
    const numbers = Array.from({ length: 20 }, (_, index) => String(index + 1));
    expect(rows.map((row) => row.split(' ')[1])).toEqual(numbers);
    expect(patches.map((file) => String(Number(file.split('-')[0])))).toEqual(numbers);
    expect([...new Set(references.map(([number]) => number))]).toEqual(numbers);
  });

  it.each(patches)('%s applies to the sources (else renew it as its README says)', (patch) => {
    const { status, stderr } = spawnSync('git', ['apply', '--check', join(folder, patch)], {
      cwd: root,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it.each(references)('%s: %s holds “%s”', (_number, file, title) => {
    expect(sourcesOf(file)).toContain(title);
  });
});
