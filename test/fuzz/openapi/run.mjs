// npm run fuzz:openapi [-- --stack --seed 1 --max-examples 20 --long]: schemathesis over the OpenAPI document of a running platform (the embedded default, or
// the real stack with two instances of every app behind its gateway; started here), once signed and once with credentials that must be refused. Ends with `N passed, N failed, N skipped`, an operation being one.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbedded } from '../../bench/platform/embedded.mjs';
import { startStack } from '../../bench/platform/stack.mjs';
import { schemathesis, SCHEMATHESIS } from './python.mjs';
import { settings } from './settings.mjs';
import { makeWorld } from './world.mjs';

const here = import.meta.dirname;
/** Of the signed requests of one operation, this many must have got past authentication and rate limits, or nothing was tested; of those that take nothing there are few. */
const MIN_IN = 3;
const SHARE_IN = 0.6;

const { values } = parseArgs({
  options: {
    stack: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(randomInt(1, 1_000_000)) },
    'max-examples': { type: 'string' },
    long: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});
const examples = Number(values['max-examples'] ?? (values.long ? 150 : 12));
/** Against a run that hangs; on a busy machine a short one has taken three minutes. */
const minutes = values.long ? 60 : 10;

/** @returns the counts of one run, and whether schemathesis found a fault; its own report goes to the output */
async function fuzz(program, baseUrl, world, folder, auth, more) {
  const counts = join(folder, `${auth}.json`);
  const config = join(folder, `${auth}.toml`);
  writeFileSync(config, settings(world, auth));
  const args = ['--config-file', config, 'run', `${baseUrl}/docs/openapi.json`, '--url', baseUrl, '--no-color'];
  const bounds = ['--seed', values.seed, '--workers', '1', '--no-shrink', '--continue-on-failure'];
  const only = values.only ? ['--include-path-regex', values.only] : [];
  // They are on internal ports there, which the gateway does not serve.
  if (values.stack) only.push('--exclude-path-regex', '^/(readyz|metrics)$');
  const child = spawn(program, [...args, ...bounds, ...only, ...more], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      FUZZ_WORLD: join(folder, 'world.json'),
      FUZZ_AUTH: auth,
      FUZZ_COUNTS: counts,
      SCHEMATHESIS_HOOKS: 'hooks',
      PYTHONPATH: here,
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  const tooLong = setTimeout(() => child.kill('SIGINT'), minutes * 60_000);
  const [code] = await once(child, 'exit');
  clearTimeout(tooLong);
  return { code, ...JSON.parse(readFileSync(counts, 'utf8')) };
}

function show(title, { requests, statuses, operations, server_errors, undocumented, internals }) {
  const byStatus = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
  console.log(`\n${title}: ${requests} requests; by status ${byStatus.join(', ')}`);
  for (const [name, row] of Object.entries(operations).toSorted())
    console.log(
      `  ${String(row.requests).padStart(5)}  past authentication ${String(row.in ?? 0).padStart(5)}  2xx ${String(row.well ?? 0).padStart(5)}  ${name}`,
    );
  console.log(
    `5xx = ${server_errors.length}, undocumented = ${undocumented.length}, with internals = ${internals.length}`,
  );
}

async function main() {
  const program = schemathesis();
  console.log(`schemathesis ${SCHEMATHESIS}, seed ${values.seed}, ${examples} examples of each operation`);
  // Rate limits, and refusals of a busy machine, would answer instead of the operations; that they are kept is tested elsewhere.
  Object.assign(process.env, {
    RATE_LIMIT_PER_KEY_PER_MINUTE: '0',
    OVERLOAD_LAG_MS: '10000',
    OVERLOAD_TARGET_MS: '30000',
  });
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-fuzz-'));
  const platform = await (values.stack ? startStack : startEmbedded)({});
  console.log(platform.name);
  try {
    const world = await makeWorld({ ...platform.admin, baseUrl: platform.target.baseUrl });
    writeFileSync(join(folder, 'world.json'), JSON.stringify(world), { mode: 0o600 });
    const run = (auth, more) => fuzz(program, platform.target.baseUrl, world, folder, auth, more);
    const signed = await run('signed', ['--max-examples', String(examples)]);
    const refused = await run('refused', ['--phases', 'coverage,fuzzing', '--max-examples', '3']);
    show('Signed', signed);
    show('Credentials that are none', refused);
    process.exitCode = verdict(signed, refused);
  } finally {
    await platform.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Prints what is wrong. @returns the exit code */
function verdict(signed, refused) {
  const wrong = [signed, refused].flatMap(({ code, server_errors, undocumented, accepted_unsigned, internals }) => [
    ...server_errors.map((one) => `5xx: ${one}`),
    ...undocumented.map((one) => `undocumented: ${one}`),
    ...accepted_unsigned.map((one) => `accepted without a signature: ${one}`),
    ...internals.map((one) => `tells of internals: ${one}`),
    ...(code === 0 ? [] : [`schemathesis ended with ${code}: see above`]),
  ]);
  const untested = Object.entries(signed.operations).filter(
    ([, { requests, in: past = 0 }]) => past < MIN_IN || past < requests * SHARE_IN,
  );
  wrong.push(...untested.map(([name, { in: past = 0 }]) => `${name}: only ${past} requests got past authentication`));
  for (const one of wrong.slice(0, 50)) console.log(one);
  const operations = Object.keys(signed.operations).length;
  console.log(`\n${operations - Math.min(operations, wrong.length)} passed, ${wrong.length} failed, 0 skipped`);
  return wrong.length === 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
