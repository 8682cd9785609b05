import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const file = pathToFileURL(join(__dirname, '../support/misunderstood.mjs')).href;
const script = `import { misunderstood } from '${file}';
import { readFileSync } from 'node:fs';
process.stdout.write(JSON.stringify(misunderstood(readFileSync(0, 'utf8'))));`;

const misunderstood = (log: string): string[] =>
  JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { input: log, encoding: 'utf8' }));

const at = '2026-11-22 04:00:00.123 UTC [4711] lienthong';
const syntax = (said = at) => `${said} 42601 ERROR:  syntax error at or near "some" at character 61
${said} 42601 STATEMENT:  SELECT count(*)
	AS some
`;

describe('Statements that PostgreSQL did not understand', () => {
  it('are found in its log with what belongs to them, each once', () => {
    const other = at.replace('04:00', '05:00').replace('4711', '4712');
    const log = `${at} 00000 LOG:  checkpoint starting: time\n${syntax()}${at} 00000 LOG:  checkpoint complete\n${syntax(other)}`;
    const found = misunderstood(log);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^ 42601 ERROR: {2}syntax error[^]*STATEMENT: {2}SELECT count\(\*\)\n\tAS some\n$/);
  });

  it.each([
    ['a column that is not there', '42703'],
    ['a function that is not there', '42883'],
    ['a type that cannot be told', '42P18'],
  ])('are %s', (what, state) => {
    expect(misunderstood(`${at} ${state} ERROR:  ${what}\n${at} ${state} STATEMENT:  SELECT 1\n`)).toHaveLength(1);
  });

  it.each([
    ['a right that is missing', '42501'],
    ['a table that is missing', '42P01'],
    ['a row that is there already', '23505'],
    ['a connection that ended', '57P01'],
  ])('are not %s', (what, state) => {
    expect(misunderstood(`${at} ${state} ERROR:  ${what}\n${at} ${state} STATEMENT:  SELECT 1\n`)).toEqual([]);
  });
});
