// What is measured, one function a phase. Platform and raw pipeline take turns, so that what else happens on the machine meets both alike.
import { setTimeout as sleep } from 'node:timers/promises';
import { emptyExchange, fillExchange } from './fill.mjs';
import { LoadProcess } from './load/load-process.mjs';
import { p50p99 } from './measure/percentiles.mjs';
import { loadAverage, ProcessSampler } from './measure/processes.mjs';
import { makeParties } from './platform/parties.mjs';
import { WORKLOADS } from './workloads.mjs';

/** One workload, platform and raw, in turns. */
export async function compare(platform, name, { rounds, warmSeconds, roundSeconds }) {
  const sides = {
    platform: await openSide(platform, 'platform', name),
    raw: await openSide(platform, 'raw', name),
  };
  try {
    const measured = { platform: [], raw: [] };
    for (const side of Object.values(sides)) await side.warm(warmSeconds);
    for (let round = 0; round < rounds; round += 1)
      for (const kind of Object.keys(sides))
        measured[kind].push(await sides[kind].round({ seconds: roundSeconds[name] }));
    const platformSums = summed(measured.platform, WORKLOADS[name]);
    const rawSums = summed(measured.raw, WORKLOADS[name]);
    return {
      workload: name,
      title: WORKLOADS[name].title,
      inFlight: WORKLOADS[name].inFlight,
      platform: platformSums,
      raw: rawSums,
      ratio: platformSums.packetsPerSecond / rawSums.packetsPerSecond,
    };
  } finally {
    for (const side of Object.values(sides)) await side.close();
  }
}

/** Small packets at a steady rate, whatever has become of those before: what a user waits when the platform is not overloaded. */
export async function steady(platform, { warmSeconds, steadySeconds }) {
  const side = await openSide(platform, 'platform', 'inline');
  try {
    await side.warm(warmSeconds);
    return summed([await side.round({ seconds: steadySeconds, steady: true })], WORKLOADS.inline);
  } finally {
    await side.close();
  }
}

/** Small packets with an empty database, with a full one, and with an empty one again: what the machine did meanwhile shows in the two empty ones. */
export async function full(platform, { warmSeconds, fillPackets, fullRoundSeconds }) {
  const once = async (prepare) => {
    const parties = await makeParties(platform.admin);
    const rows = await prepare(parties);
    const side = await openSide(platform, 'platform', 'inline', parties);
    try {
      await side.warm(warmSeconds);
      return { ...summed([await side.round({ seconds: fullRoundSeconds })], WORKLOADS.inline), rows };
    } finally {
      await side.close();
    }
  };
  const { databaseUrl } = platform;
  const before = await once(() => emptyExchange(databaseUrl));
  const filled = await once((parties) => fillExchange(databaseUrl, parties, fillPackets));
  const after = await once(() => emptyExchange(databaseUrl));
  const empty = (before.packetsPerSecond + after.packetsPerSecond) / 2;
  return { fillPackets, before, filled, after, ratio: filled.packetsPerSecond / empty };
}

/** A load generator with everything open, and the processes whose work it causes. */
async function openSide(platform, kind, workload, parties) {
  const load = new LoadProcess();
  const opening =
    kind === 'platform'
      ? { kind, target: { ...platform.target, parties: parties ?? (await makeParties(platform.admin)) } }
      : platform.raw;
  await load.ask('open', { kind: opening.kind, target: opening.target, workload });
  const loadName = kind === 'platform' ? 'load generator' : 'raw pipeline and load generator';
  const processes = platform.processes.filter(({ role }) => kind === 'platform' || role === 'server');
  const sampler = new ProcessSampler([...processes, { name: loadName, role: 'load', roots: [load.pid], tree: false }]);
  return {
    warm: (seconds) => load.ask('run', { seconds }),
    async round(given) {
      await sleep(500);
      sampler.start();
      const result = await load.ask('run', given);
      return { ...result, processes: sampler.stop(), load: loadAverage() };
    },
    close: () => load.close(),
  };
}

/** The rounds as one: rates over the sum of their times, percentiles over all that was timed. */
function summed(rounds, { recipients }) {
  const sum = (value) => rounds.reduce((total, round) => total + value(round), 0);
  const packets = sum((round) => round.arrived);
  const seconds = sum((round) => round.seconds);
  const failures = {};
  for (const round of rounds)
    for (const [text, n] of Object.entries(round.failures)) failures[text] = (failures[text] ?? 0) + n;
  const processes = rounds[0].processes.map(({ name, role }, index) => ({
    name,
    role,
    cpuSecondsPer1000: (1000 * sum((round) => round.processes[index].cpuSeconds)) / packets,
    peakMiB: Math.max(...rounds.map((round) => round.processes[index].peakMiB)),
    rssMiB: joined(rounds.map((round) => round.processes[index].series)),
  }));
  return {
    packets,
    seconds,
    packetsPerSecond: packets / seconds,
    deliveriesPerSecond: (packets * recipients) / seconds,
    completionToNoticeMs: p50p99(rounds.flatMap((round) => round.toNotice)),
    noticeToConfirmedMs: p50p99(rounds.flatMap((round) => round.toConfirmed)),
    failed: Object.values(failures).reduce((total, n) => total + n, 0),
    failures,
    unpurged: rounds.at(-1).unpurged,
    processes,
    loadAverage: rounds.map((round) => round.load[0]),
  };
}

/** RSS over the time of all rounds, a sample a second: [seconds, MiB]. */
function joined(serieses) {
  const points = [];
  let offset = 0;
  for (const series of serieses) {
    for (const [index, { at, mib }] of series.entries())
      if (index % 4 === 0) points.push([Math.round((offset + at) / 100) / 10, Math.round(mib * 10) / 10]);
    offset += series.at(-1)?.at ?? 0;
  }
  return points;
}
