// `npm run seeded-bugs [numbers]`: builds the product with each of the seeded bugs of the table in README.md, and runs the tests that must fail on it.
// Ends with `caught N of N`; exits with 1 unless all are caught and the same tests pass without a bug.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Workbench } from './workbench.mjs';

const here = import.meta.dirname;
const root = join(here, '../..');
const say = (text) => process.stdout.write(`${text}\n`);

/** Rows of the table: number, name, the patch, and the tests that must fail. */
const bugs = readFileSync(join(here, 'README.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line))
  .map((line) => {
    const [, number, name] = line.split('|').map((cell) => cell.trim());
    const patch = readdirSync(here).find((file) => file.startsWith(`${number.padStart(2, '0')}-`));
    const tests = [...line.matchAll(/`(test\/[^`]+|libs\/[^`]+|apps\/[^`]+)` “([^”]+)”/g)];
    return { number, name, patch: join(here, patch), tests: tests.map(([, file, title]) => ({ file, title })) };
  });

/** The environment of tests that need a server of the stack; undefined where there is none. */
function envOf(file) {
  if (!file.endsWith('/s3.test.ts')) return {};
  const lines = stackFile() ? readFileSync(stackFile(), 'utf8').split('\n') : [];
  const pairs = lines.map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]);
  const env = { ...Object.fromEntries(pairs), ...process.env };
  const s3 = Object.entries(env).filter(([name]) => name.startsWith('S3_'));
  return env.S3_ENDPOINT ? Object.fromEntries(s3) : undefined;
}

function stackFile() {
  const file = join(process.env.STACK_DIR || join(root, '.stack'), 'env');
  return existsSync(file) ? file : undefined;
}

const canRun = ({ tests }) => tests.every(({ file }) => envOf(file) !== undefined);

/** Without a bug every one of the tests passes: else a failure would mean nothing. */
async function control(workbench, chosen) {
  const byFile = new Map();
  for (const { file, title } of chosen.flatMap(({ tests }) => tests))
    byFile.set(file, [...(byFile.get(file) ?? []), title]);
  let passed = 0;
  for (const [file, titles] of byFile) {
    const ran = await workbench.test(file, [...new Set(titles)], envOf(file));
    const failed = ran.find(({ status }) => status === 'failed');
    if (failed) throw new Error(`Without any bug “${failed.title}” fails: ${failed.why}`);
    for (const title of titles)
      if (!ran.some((one) => one.title.includes(title))) throw new Error(`No test in ${file} is named “${title}”.`);
    passed += ran.length;
  }
  say(`without a bug: ${passed} tests pass in ${byFile.size} files\n`);
}

/** @returns what each of the tests said; all of them must fail */
async function seed(workbench, { patch, tests }) {
  workbench.apply(patch);
  try {
    await workbench.build();
    const verdicts = [];
    for (const { file, title } of tests) {
      const ran = await workbench.test(file, [title], envOf(file));
      const failed = ran.find(({ status }) => status === 'failed');
      verdicts.push(failed ? { caught: true, title: failed.title, why: failed.why } : { caught: false, title });
    }
    return verdicts;
  } finally {
    workbench.apply(patch, '--reverse');
  }
}

async function main(numbers) {
  const unknown = numbers.filter((asked) => !bugs.some(({ number }) => number === asked));
  if (unknown.length > 0) throw new Error(`Not in the table of ${join(here, 'README.md')}: ${unknown.join(', ')}`);
  const chosen = bugs.filter(({ number }) => numbers.length === 0 || numbers.includes(number));
  const possible = chosen.filter(canRun);
  const workbench = new Workbench(root);
  for (const name of ['SIGINT', 'SIGTERM'])
    process.once(name, () => void workbench.remove().then(() => process.exit(130)));
  let caught = 0;
  try {
    workbench.prepare();
    await workbench.build();
    await control(workbench, possible);
    for (const bug of chosen) {
      const began = Date.now();
      if (!possible.includes(bug)) {
        say(`${bug.number.padStart(2)} NOT RUN: ${bug.name}\n     needs an S3 server (npm run stack)`);
        continue;
      }
      const verdicts = await seed(workbench, bug).catch((error) => [{ caught: false, title: error.message }]);
      const all = verdicts.every((verdict) => verdict.caught);
      if (all) caught++;
      say(
        `${bug.number.padStart(2)} ${all ? 'caught' : 'MISSED'}: ${bug.name} (${((Date.now() - began) / 1000).toFixed(0)} s)`,
      );
      for (const verdict of verdicts)
        say(verdict.caught ? `     by “${verdict.title}”: ${verdict.why}` : `     not by: ${verdict.title}`);
    }
  } finally {
    await workbench.remove();
  }
  say(`\ncaught ${caught} of ${chosen.length}`);
  process.exitCode = caught === chosen.length ? 0 : 1;
}

await main(process.argv.slice(2).map((number) => String(Number(number))));
