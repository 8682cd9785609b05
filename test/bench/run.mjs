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

async function measure(platform, options) {
  const { phases, lengths } = options;
  const result = { comparisons: [] };
  for (const name of ['inline', 'put', 'multipart'])
    if (phases.includes(name)) {
      say(`measuring: ${name}, platform and raw pipeline in turns`);
      result.comparisons.push(await compare(platform, name, lengths));
    }
  if (phases.includes('steady')) {
    say('measuring: 20 packets/s, open loop');
    result.steady = await steady(platform, lengths);
  }
  if (phases.includes('full')) {
    say(`measuring: empty database, ${2 * lengths.fillPackets} packets on record, empty again`);
    result.full = await full(platform, lengths);
  }
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
  if (lost.some((side) => side && side.failed + side.unpurged > 0)) process.exitCode = 1;
}

main().catch((error) => {
  say(error.stack ?? String(error));
  process.exitCode = 1;
});
