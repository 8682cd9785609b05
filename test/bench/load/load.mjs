// The load generator: a process of its own, so that its CPU time and memory are not taken for the platform's. The steering process
// tells it what to do: { command: 'open' | 'run' | 'close', … }; each command is answered once.
import { STEADY_PER_SECOND, WORKLOADS } from '../workloads.mjs';
import { Content } from './content.mjs';
import { closedLoop, openLoop } from './loops.mjs';

/** Loaded when they are wanted: the S3 client alone takes a second. */
const OPEN = {
  platform: async (...given) => (await import('./platform-side.mjs')).openPlatformSide(...given),
  'raw-stack': async (...given) => (await import('./raw-stack-side.mjs')).openRawStackSide(...given),
  'raw-embedded': async (...given) => (await import('./raw-embedded-side.mjs')).openRawEmbeddedSide(...given),
};
const STEADY_LANES = 200;

let side;
let workload;
let content;

async function open({ kind, target, workload: name }) {
  workload = WORKLOADS[name];
  content = undefined;
  side = await OPEN[kind](target, workload);
}

/** Packets of one round; the time runs until the content of the last one is gone, so that no work is left for later. */
async function run({ seconds, steady = false }) {
  const lanes = steady ? STEADY_LANES : workload.inFlight;
  if (!(content?.lanes >= lanes)) content = new Content(workload.bytes, lanes);
  const send = (lane) => side.send(content.fresh(lane));
  side.flights.take();
  const began = performance.now();
  const counts = steady
    ? await openLoop({ perSecond: STEADY_PER_SECOND, seconds, lanes }, send)
    : await closedLoop({ inFlight: workload.inFlight, seconds, maxPackets: workload.maxPackets }, send);
  const arrivedSeconds = (performance.now() - began) / 1000;
  const unpurged = await side.flights.settle();
  return { ...counts, unpurged, arrivedSeconds, seconds: (performance.now() - began) / 1000, ...side.flights.take() };
}

const commands = { open, run, close: () => side.close() };

process.on('message', async ({ command, ...given }) => {
  try {
    process.send({ result: (await commands[command](given)) ?? null });
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
  if (command === 'close') process.disconnect();
});
// Without the steering process there is nobody to measure for.
process.on('disconnect', () => process.exit());
