// npm run bench:overload: what happens at ten times what the platform can do. Prints one table. Exit code 1
// when a packet is lost, an answer is neither an acknowledgement nor a refusal, or one of the bounds of P18 below is missed: each is printed, kept or missed.
import { readFileSync, statSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LienThongClient } from '@lienthong/client';
import { CONTENT_BYTES, plainSender } from './load/plain-sender.mjs';
import { percentile } from './measure/percentiles.mjs';
import { loadAverage, ProcessSampler } from './measure/processes.mjs';
import { startEmbedded } from './platform/embedded.mjs';
import { makeParties } from './platform/parties.mjs';
import { startStack } from './platform/stack.mjs';

const { values } = parseArgs({
  options: {
    stack: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '30' },
    times: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
    'cpu-prof': { type: 'string' },
  },
});
const given = { cpuProf: values['cpu-prof'] };
const SECONDS = Number(values.seconds);
const TIMES = Number(values.times);
const IN_FLIGHT = 16;
/** The generator's own bound: what is not answered yet. Beyond it an arrival is not offered, and counted. */
const OPEN = 4000;
const SETTLE_MS = 120_000;
/** P18: refusals are quick, what is admitted takes at most twice as long as without the flood, memory is bounded. */
const BOUNDS = { refusedMs: 100, admittedTimes: 2, rssMiB: 512 };

const say = (text) => process.stderr.write(`${text}\n`);

/** The destination takes what it is told of; the source hears how it ended. Both go on during the flood. */
function parties(baseUrl, { source, destinations: [destination] }) {
  const stop = new AbortController();
  const ended = new Map();
  const confirmMs = [];
  const from = new LienThongClient({ baseUrl, ...source, connections: 8 });
  const to = new LienThongClient({ baseUrl, ...destination, connections: 32 });
  const confirm = async ({ deliveryId }) => {
    const { space } = await to.deliveries.ready(deliveryId);
    const parts = space.downloads.map(({ part, sha256 }) => ({ name: part, sha256 }));
    const began = performance.now();
    await to.deliveries.confirm(deliveryId, { outcome: 'accepted', parts });
    confirmMs.push(performance.now() - began);
  };
  const failures = [];
  const listening = [
    from.stream({ signal: stop.signal }).each(({ type, subject }) => {
      if (/^packet\.(completed|expired|refused)$/.test(type)) ended.set(subject, type);
    }),
    to.stream({ signal: stop.signal }).each(({ type, data }) => {
      if (type === 'packet.available') void confirm(data).catch((error) => failures.push(String(error)));
    }),
  ];
  return {
    ended,
    confirmMs,
    failures,
    async close() {
      stop.abort();
      await Promise.allSettled(listening);
      await Promise.all([from.close(), to.close()]);
    },
  };
}

/** Those who ask have machines of their own: this process shares the processor with gateway and apps, whose answers it would else take for late. */
async function standForOthers() {
  const { favour } = await import('../../deploy/stack/supervise.mjs');
  favour(process.pid);
  process.once('exit', () => favour(process.pid, 0));
}

/** As fast as it goes with a few in flight: what the platform can do, and how long an answer takes then. */
async function capacity(send, seconds) {
  const answers = [];
  const until = performance.now() + seconds * 1000;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (performance.now() < until) answers.push(await send());
    }),
  );
  const taken = answers.filter(({ status }) => status === 201);
  return {
    taken,
    perSecond: taken.length / seconds,
    p99: percentile(
      taken.map(({ ms }) => ms),
      99,
    ),
  };
}

async function flood(send, perSecond, seconds) {
  const answers = [];
  const failures = {};
  const open = new Set();
  let notOffered = 0;
  const began = performance.now();
  const total = Math.round(perSecond * seconds);
  for (let n = 0; n < total; n += 1) {
    const wait = began + (n * 1000) / perSecond - performance.now();
    if (wait > 1) await sleep(wait);
    if (open.size >= OPEN) {
      notOffered += 1;
      continue;
    }
    const offeredAt = performance.now() - began;
    const one = send().then(
      (answer) => answers.push({ ...answer, offeredAt }),
      (error) => (failures[String(error)] = (failures[String(error)] ?? 0) + 1),
    );
    open.add(one);
    void one.finally(() => open.delete(one));
  }
  const offeredSeconds = (performance.now() - began) / 1000;
  await Promise.all(open);
  return { answers, failures, notOffered, offered: (total - notOffered) / offeredSeconds };
}

async function main() {
  // Ten times capacity comes from one address here.
  Object.assign(process.env, { RATE_LIMIT_PER_MINUTE: '0', RATE_LIMIT_PER_KEY_PER_MINUTE: '0' });
  const platform = await (values.stack ? startStack(given) : startEmbedded(given));
  try {
    const made = await makeParties(platform.admin);
    const { baseUrl } = platform.target;
    if (values.stack) await standForOthers();
    const sending = plainSender(baseUrl, made.source);
    const send = () => sending.send(made.destinations[0].systemId);
    const listening = parties(baseUrl, made);
    say('warming up');
    const warm = await capacity(send, 5);
    say('measuring capacity');
    const nominal = await capacity(send, 10);
    const nominalConfirm = percentile(listening.confirmMs, 99);
    listening.confirmMs.length = 0;
    say(`${nominal.perSecond.toFixed(1)} packets/s; offering ${TIMES} times as many for ${SECONDS} s`);
    const sampler = new ProcessSampler(platform.processes);
    sampler.start();
    const logged = platform.gatewayLog && statSync(platform.gatewayLog).size;
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    const over = await flood(send, nominal.perSecond * TIMES, SECONDS);
    delay.disable();
    const samples = sampler.stop();
    const gateway = platform.gatewayLog && atGateway(platform.gatewayLog, logged);
    const load = loadAverage();
    const taken = over.answers.filter(({ status }) => status === 201);
    const refused = over.answers.filter(({ status }) => status === 503 || status === 429);
    const others = over.answers.filter((answer) => !taken.includes(answer) && !refused.includes(answer));
    const acked = [...warm.taken, ...nominal.taken, ...taken].map(({ document }) => document.packetId);
    const endedThen = acked.filter((id) => listening.ended.has(id)).length;
    const until = Date.now() + SETTLE_MS;
    while (Date.now() < until && acked.some((id) => !listening.ended.has(id))) await sleep(200);
    const ended = acked.filter((id) => listening.ended.has(id)).length;
    const result = {
      platform: platform.name,
      load,
      capacityPerSecond: nominal.perSecond,
      offeredPerSecond: over.offered,
      notOffered: over.notOffered,
      answered: over.answers.length,
      admittedPerSecond: taken.length / SECONDS,
      admitted: taken.length,
      refused: refused.length,
      others: others.length,
      failures: over.failures,
      nominalP99: nominal.p99,
      admittedP50: percentile(
        taken.map(({ ms }) => ms),
        50,
      ),
      admittedP99: percentile(
        taken.map(({ ms }) => ms),
        99,
      ),
      refusedP50: percentile(
        refused.map(({ ms }) => ms),
        50,
      ),
      refusedP99: percentile(
        refused.map(({ ms }) => ms),
        99,
      ),
      late: lateOf(refused),
      generatorLateP99: delay.percentile(99) / 1e6 - 10,
      gateway: gateway && { n: gateway.length, p50: percentile(gateway, 50), p99: percentile(gateway, 99) },
      withoutRetryAfter: refused.filter(({ retryAfter }) => !(retryAfter > 0)).length,
      confirmP99: { nominal: nominalConfirm, overload: percentile(listening.confirmMs, 99) },
      acked: acked.length,
      endedAtEndOfFlood: endedThen,
      ended,
      rss: samples
        .filter(({ role }) => role === 'platform')
        .map(({ name, peakMiB, series }) => ({ name, begin: series[0].mib, peak: peakMiB, end: series.at(-1).mib })),
    };
    result.bounds = boundsOf(result);
    process.stdout.write(`${values.json ? JSON.stringify(result, null, 2) : tableOf(result)}\n`);
    await listening.close();
    await sending.close();
    const missed = result.bounds.some(({ kept }) => !kept);
    if (ended < acked.length || others.length > 0 || missed) process.exitCode = 1;
  } finally {
    await platform.stop();
  }
}

/**
 * How long the refusals of new work took from the first byte that the gateway read to the last that it sent, ms: without what the generator, which shares the
 * processor with everything it measures, adds by its own lateness.
 */
function atGateway(log, from) {
  const lines = readFileSync(log).subarray(from).toString().split('\n');
  const refusal = /"POST \/v1\/packets" (?:503|429) \d+ ([\d.]+) /;
  return lines.flatMap((line) => refusal.exec(line)?.slice(1) ?? []).map((seconds) => Number(seconds) * 1000);
}

/** Refusals beyond the bound, and until when nine in ten of them were asked for: whether it is the beginning of a flood that is slow, or all of it. */
function lateOf(refused) {
  const late = refused.filter(({ ms }) => ms > BOUNDS.refusedMs).map(({ offeredAt }) => offeredAt);
  return { count: late.length, nineInTenUntilMs: percentile(late, 90) };
}

/** A flood that nothing was refused or admitted of keeps no bound: there was nothing to measure. */
function boundsOf({ refusedP99, gateway, admittedP99, nominalP99, withoutRetryAfter, rss }) {
  const answered = gateway ? gateway.p99 : refusedP99;
  const peak = Math.max(...rss.map((one) => one.peak));
  return [
    {
      bound: `refusals p99 ≤ ${BOUNDS.refusedMs} ms${gateway ? ', at the gateway' : ''}`,
      kept: answered !== null && answered <= BOUNDS.refusedMs,
    },
    { bound: 'every refusal with Retry-After', kept: withoutRetryAfter === 0 },
    {
      bound: `admitted p99 ≤ ${BOUNDS.admittedTimes} × nominal`,
      kept: admittedP99 !== null && admittedP99 <= BOUNDS.admittedTimes * nominalP99,
    },
    { bound: `RSS of every process of the platform ≤ ${BOUNDS.rssMiB} MiB`, kept: peak <= BOUNDS.rssMiB },
  ];
}

const ms = (value) => (value === null ? '-' : `${value.toFixed(0)} ms`);

function tableOf(result) {
  const { failures, confirmP99, rss } = result;
  return [
    `overload · ${result.platform} · load average ${result.load.join(' ')}`,
    `capacity ${result.capacityPerSecond.toFixed(1)} packets/s (${IN_FLIGHT} in flight, ${CONTENT_BYTES} bytes inline); offered ${result.offeredPerSecond.toFixed(0)}/s, open loop, ${SECONDS} s; ${result.notOffered} not offered (${OPEN} unanswered)`,
    `admitted ${result.admitted} (${result.admittedPerSecond.toFixed(1)}/s), refused ${result.refused}, other answers ${result.others}, connection failures ${JSON.stringify(failures)}`,
    `answer time: nominal p99 ${ms(result.nominalP99)}; admitted p50/p99 ${ms(result.admittedP50)} / ${ms(result.admittedP99)}; refused p50/p99 ${ms(result.refusedP50)} / ${ms(result.refusedP99)}; refusals without Retry-After ${result.withoutRetryAfter}`,
    `refusals beyond ${BOUNDS.refusedMs} ms: ${result.late.count} of ${result.refused}${result.late.count > 0 ? `, nine in ten of them asked for in the first ${(result.late.nineInTenUntilMs / 1000).toFixed(1)} s` : ''}`,
    ...(result.gateway
      ? [
          `at the gateway: ${result.gateway.n} refusals, p50/p99 ${ms(result.gateway.p50)} / ${ms(result.gateway.p99)}; the generator was late by p99 ${ms(result.generatorLateP99)}`,
        ]
      : [`the generator was late by p99 ${ms(result.generatorLateP99)}`]),
    `confirmations meanwhile: p99 ${ms(confirmP99.nominal)} before, ${ms(confirmP99.overload)} during`,
    `packets acknowledged ${result.acked}, ended ${result.ended} (${result.endedAtEndOfFlood} of them when the flood ended)`,
    ...rss.map(
      ({ name, begin, peak, end }) =>
        `RSS ${name}: ${begin.toFixed(0)} MiB before, peak ${peak.toFixed(0)}, after ${end.toFixed(0)}`,
    ),
    ...result.bounds.map(({ bound, kept }) => `${bound}: ${kept ? 'kept' : 'MISSED'}`),
  ].join('\n');
}

main().catch((error) => {
  say(error.stack ?? String(error));
  process.exitCode = 1;
});
