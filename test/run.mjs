// `npm test`, and with --stack `npm run test:stack`. Builds, runs the rings of tests, says which drivers they covered, and ends with
// `N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const onStack = process.argv.includes('--stack');
const results = mkdtempSync(join(tmpdir(), 'lienthong-results-'));
const node = (...args) => run(process.execPath, args);

/** Conformance suites by the driver that they cover; a suite none of whose tests ran had no server. */
const DRIVERS = [
  ['queue', 'RabbitMQ', 'conformance/queue/rabbitmq'],
  ['queue', 'PostgreSQL (pg-boss)', 'conformance/queue/postgres'],
  ['storage', 'S3', 'conformance/storage/s3'],
  ['storage', 'filesystem', 'conformance/storage/filesystem'],
  [
    'database',
    process.env.DATABASE_URL || onStack ? 'external PostgreSQL' : 'embedded PostgreSQL',
    'conformance/persistence/',
  ],
];

function run(command, args, env = {}) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1;
}

function ring(name, env) {
  process.stdout.write(`\n── ${name}\n`);
  const outputFile = join(results, `${name}.json`);
  const jest = [
    'node_modules/jest/bin/jest.js',
    '--selectProjects',
    name,
    // Faults take servers away from whoever runs beside them; one that fails may leave a process or a connection behind, which must not keep the run from ending.
    ...(name === 'faults' ? ['--runInBand', '--forceExit'] : ['--maxWorkers=2']),
    '--json',
    `--outputFile=${outputFile}`,
  ];
  const status = run(process.execPath, jest, env);
  if (!existsSync(outputFile))
    return { name, crashed: true, numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, testResults: [] };
  const result = JSON.parse(readFileSync(outputFile, 'utf8'));
  // A suite that could not start, or failed in its afterAll, holds no failed test, but is a failure all the same.
  const broken = result.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  const failed = result.numFailedTests + broken.length;
  return { name, ...result, numFailedTests: status !== 0 && failed === 0 ? 1 : failed };
}

function coverage(rings) {
  const files = rings.flatMap(({ testResults }) => testResults);
  for (const [port, driver, path] of DRIVERS) {
    const tests = files
      .filter(({ name }) => relative(join(root, 'test'), name).replaceAll('\\', '/').startsWith(path))
      .flatMap(({ assertionResults }) => assertionResults);
    const ran = tests.filter(({ status }) => status === 'passed' || status === 'failed').length;
    const what = ran > 0 ? `covered by ${ran} tests` : 'skipped: no server (npm run stack starts one)';
    process.stdout.write(`  ${port.padEnd(9)} ${driver.padEnd(22)} ${what}\n`);
  }
}

function stackEnv() {
  const file = join(process.env.STACK_DIR || join(root, '.stack'), 'env');
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes('='));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

function startStack() {
  const pids = join(process.env.STACK_DIR || join(root, '.stack'), 'pids');
  const running = existsSync(pids) ? readdirSync(pids) : [];
  if (node('deploy/stack/up.mjs') !== 0) process.exit(1);
  const env = { ...stackEnv(), LIENTHONG_STACK: '1' };
  if (run(process.execPath, ['deploy/stack/apps.mjs', 'up'], { RATE_LIMIT_PER_MINUTE: '0' }) !== 0) process.exit(1);
  const stop = () => {
    node('deploy/stack/apps.mjs', 'down');
    if (running.length === 0) node('deploy/stack/down.mjs');
  };
  return { env, stop };
}

let exitCode = 1;
try {
  if (node('node_modules/typescript/bin/tsc', '-b') !== 0) process.exit(1);
  const stack = onStack ? startStack() : undefined;
  const rings = [...(onStack ? [] : ['specs']), 'conformance', 'flow', 'model', 'abuse', 'faults'].map((name) =>
    ring(name, stack?.env),
  );
  stack?.stop();

  process.stdout.write('\nDrivers\n');
  coverage(rings);
  const sum = (field) => rings.reduce((total, result) => total + result[field], 0);
  const [passed, failed, skipped] = [sum('numPassedTests'), sum('numFailedTests'), sum('numPendingTests')];
  process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(results, { recursive: true, force: true });
}
process.exitCode = exitCode;
