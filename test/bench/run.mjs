// npm run bench, npm run bench:stack: measures the platform and, on the same servers in the same run, the raw pipeline; prints one table.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { loadAverage } from './measure/processes.mjs';
import { readOptions, usage } from './options.mjs';
import { compare, full, steady } from './phases.mjs';
import { startEmbedded } from './platform/embedded.mjs';
import { startStack } from './platform/stack.mjs';
import { tableOf } from './report/table.mjs';
import { targetsOf } from './report/targets.mjs';

const say = (text) => process.stderr.write(`${text}\n`);

/** A phase that fails is told, and does not take with it what the others measured. */
async function measure(platform, { phases, lengths }) {
  const result = { comparisons: [], failedPhases: [] };
  const phase = async (name, what, work) => {
    if (!phases.includes(name)) return;
    say(`measuring: ${what}`);
    const began = performance.now();
    try {
      await work();
      say(`  ${((performance.now() - began) / 1000).toFixed(0)} s`);
    } catch (error) {
      say(error.stack ?? String(error));
      result.failedPhases.push(name);
    }
  };
  for (const name of ['inline', 'put', 'multipart'])
    await phase(name, `${name}, platform and raw pipeline in turns`, async () =>
      result.comparisons.push(await compare(platform, name, lengths)),
    );
  await phase('steady', '20 packets/s, open loop', async () => (result.steady = await steady(platform, lengths)));
  const records = 2 * lengths.fillPackets;
  await phase('full', `empty database, ${records} packets on record, empty again`, async () => {
    result.full = await full(platform, lengths);
  });
  return result;
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return say(usage);
  const began = performance.now();
  const loadBefore = loadAverage();
  say(options.stack ? 'starting the stack (servers, two instances of every app)' : 'starting the embedded default');
  const platform = await (options.stack ? startStack(options) : startEmbedded(options));
  const interrupted = async () => {
    await platform.stop();
    process.exit(130);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  let measured;
  try {
    measured = await measure(platform, options);
  } finally {
    await platform.stop();
  }
  const result = {
    at: new Date().toISOString(),
    quick: options.quick,
    platform: { name: platform.name, versions: platform.versions, raw: platform.raw.does },
    machine: { node: process.versions.node, cores: cpus().length, loadBefore, loadAfter: loadAverage() },
    seconds: (performance.now() - began) / 1000,
    ...measured,
  };
  result.targets = targetsOf(result);
  writeFileSync(options.out, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${tableOf(result)}\n`);
  say(`written to ${options.out}`);
  // A target that is missed is a result; packets that are lost are a failure.
  const lost = [...result.comparisons.map(({ platform }) => platform), result.steady, result.full?.filled];
  const isLost = lost.some((side) => side && side.failed + side.unpurged > 0);
  if (isLost || result.failedPhases.length > 0) process.exitCode = 1;
}

main().catch((error) => {
  say(error.stack ?? String(error));
  process.exitCode = 1;
});
