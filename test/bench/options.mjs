// What the command line may say; everything else is fixed, so that two runs can be compared.
import { parseArgs } from 'node:util';

export const usage = `Usage: node test/bench/run.mjs [--stack] [--quick] [--out <file>] [--only <phases>] [--cpu-prof <folder>]
  --stack      on PostgreSQL, RabbitMQ and S3 with two instances of every app (npm run bench:stack); default: the embedded default
  --quick      short and coarse, for a smoke test in CI
  --out        where the result goes as JSON (default bench-result.json)
  --only       comma-separated: inline, put, multipart, steady, full
  --cpu-prof   writes a V8 CPU profile of every app process there; the numbers of such a run are not comparable`;

export const PHASES = ['inline', 'put', 'multipart', 'steady', 'full'];

/** Seconds and sizes. A default run stays below 6 minutes, a quick one below 90 s, on two cores. */
const LENGTHS = {
  default: {
    rounds: 2,
    warmSeconds: 3,
    roundSeconds: { inline: 10, put: 10, multipart: 14 },
    steadySeconds: 25,
    fillPackets: 100_000,
    fullRoundSeconds: 8,
  },
  quick: {
    rounds: 1,
    warmSeconds: 1,
    roundSeconds: { inline: 3, put: 3, multipart: 4 },
    steadySeconds: 4,
    fillPackets: 5_000,
    fullRoundSeconds: 2,
  },
};

export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      stack: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      out: { type: 'string', default: 'bench-result.json' },
      only: { type: 'string' },
      'cpu-prof': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const phases = values.only?.split(',') ?? PHASES;
  const unknown = phases.filter((phase) => !PHASES.includes(phase));
  if (unknown.length > 0) throw new Error(`There is no phase ${unknown.join(', ')}: ${PHASES.join(', ')}.`);
  return { ...values, cpuProf: values['cpu-prof'], phases, lengths: LENGTHS[values.quick ? 'quick' : 'default'] };
}
