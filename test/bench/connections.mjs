// npm run bench:connections: how many systems one notifier serves, on the real stack with one notifier. Prints its numbers; exit code 1 when a bound is missed.
import { fork } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { LienThongClient } from '@lienthong/client';
import { burst, populate } from './crowd/population.mjs';
import { percentile } from './measure/percentiles.mjs';
import { loadAverage, ProcessSampler } from './measure/processes.mjs';
import { makeParties } from './platform/parties.mjs';
import { startStack } from './platform/stack.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'steady,dead,idle,storm' },
    seconds: { type: 'string', default: '30' },
    'cpu-prof': { type: 'string' },
  },
});
const PHASES = values.only.split(',');
const SECONDS = Number(values.seconds);
const PER_SECOND = 20;
const CONNECTED = 1000;
const DEAD = 1000;
const IDLE = 10_000;
const STORM = 5000;
const CROWDS = 2;
const EVENTS_OF_DEAD = 100;

const say = (text) => process.stdout.write(`${text}\n`);
const ms = (value) => (value === null ? '-' : `${value.toFixed(0)} ms`);
const missed = [];
/** Prints a figure beside its bound, when it has one, and the load of the machine. */
function tell(what, figure, holds = true) {
  if (!holds) missed.push(what);
  say(`${what}: ${figure}${holds ? '' : '  NOT REACHED'}  [load average ${loadAverage()[0]}]`);
}

class Crowd {
  #child = fork(fileURLToPath(new URL('./crowd/crowd.mjs', import.meta.url)), {
    serialization: 'advanced',
    execArgv: [],
  });
  #waiting;

  constructor() {
    this.#child.on('message', ({ result, error }) => {
      if (error) this.#waiting.reject(new Error(error));
      else this.#waiting.resolve(result);
    });
    this.#child.on('exit', (code) => this.#waiting?.reject(new Error(`a crowd ended (${code})`)));
  }

  ask(command, given = {}) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.send({ command, ...given });
    });
  }

  close() {
    this.#waiting = undefined;
    this.#child.disconnect();
  }
}

/** The crowds as one; a system belongs to the crowd that its number says. */
class Crowds {
  #crowds = Array.from({ length: CROWDS }, () => new Crowd());

  async all(command, accessKeys, given = {}) {
    const share = (n) => accessKeys?.filter((_, index) => index % CROWDS === n);
    return Promise.all(this.#crowds.map((crowd, n) => crowd.ask(command, { ...given, accessKeys: share(n) })));
  }

  count = async () => (await this.all('count')).reduce((sum, n) => sum + n, 0);

  async take() {
    const taken = await this.all('take');
    const closes = {};
    for (const one of taken)
      for (const [code, times] of Object.entries(one.closes)) closes[code] = [...(closes[code] ?? []), ...times];
    return { arrivals: taken.flatMap(({ arrivals }) => arrivals), closes };
  }

  close() {
    for (const crowd of this.#crowds) crowd.close();
  }
}

/** 20 packets a second, each to one of these systems. @returns ms from the answer to the sender to the notice at the destination, and why others were not taken */
async function packets(client, systemIds, crowds, seconds) {
  await crowds.take();
  const completed = new Map();
  const failed = {};
  const began = performance.now();
  const sending = [];
  for (let n = 0; n < PER_SECOND * seconds; n += 1) {
    const wait = began + (n * 1000) / PER_SECOND - performance.now();
    if (wait > 0) await sleep(wait);
    const buffer = randomBytes(2048);
    const sha256 = createHash('sha256').update(buffer).digest('base64');
    const part = {
      name: 'a.bin',
      mediaType: 'application/octet-stream',
      size: buffer.length,
      sha256,
      content: buffer.toString('base64'),
    };
    const to = [systemIds[Math.floor(Math.random() * systemIds.length)]];
    sending.push(
      client.packets
        .send(
          { to, title: 'Gói tin đo kết nối', dataType: 'file', protocol: 'inline', parts: [part] },
          { idempotencyKey: randomUUID() },
        )
        .then(
          ({ packetId }) => completed.set(packetId, performance.timeOrigin + performance.now()),
          ({ code = 'unknown' }) => (failed[code] = (failed[code] ?? 0) + 1),
        ),
    );
  }
  await Promise.all(sending);
  const times = [];
  for (const until = Date.now() + 20_000; times.length < completed.size && Date.now() < until; await sleep(200)) {
    const { arrivals } = await crowds.take();
    for (const [id, at] of arrivals) if (completed.has(id)) times.push(Math.max(0, at - completed.get(id)));
  }
  const [sent, noticed] = [completed.size, times.length];
  const told = `${noticed} of ${sending.length}${sent < sending.length ? `, not taken: ${JSON.stringify(failed)}` : ''}`;
  return { told, whole: noticed === sending.length, p50: percentile(times, 50), p99: percentile(times, 99) };
}

async function main() {
  Object.assign(process.env, { RATE_LIMIT_PER_MINUTE: '0', RATE_LIMIT_PER_KEY_PER_MINUTE: '0', LOG_LEVEL: 'warn' });
  const platform = await startStack({ cpuProf: values['cpu-prof'] });
  const crowds = new Crowds();
  const { appPort, internalPort } = await import('../../deploy/stack/settings.mjs');
  const { appPid, startApp, stopApp } = await import('../../deploy/stack/processes.mjs');
  const one = () => [{ name: 'notifier', role: 'platform', roots: [appPid('notifier', 1)], tree: false }];
  const metrics = async (...names) => {
    const text = await (await fetch(`http://127.0.0.1:${internalPort('notifier', 1)}/metrics`)).text();
    return names.map((name) => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (.+)$`, 'm').exec(text)?.[1]));
  };
  const metric = async (name) => (await metrics(name))[0];
  const rss = async () => (await metric('process_resident_memory_bytes')) / 1024;
  const watched = async (work) => {
    const sampler = new ProcessSampler(one());
    sampler.start();
    const began = performance.now();
    const result = await work();
    const [{ cpuSeconds, peakMiB }] = sampler.stop();
    return { result, cpu: (100 * cpuSeconds * 1000) / (performance.now() - began), peakMiB };
  };
  try {
    await stopApp('notifier', 2);
    const made = await makeParties(platform.admin);
    const client = new LienThongClient({ baseUrl: platform.target.baseUrl, ...made.source, connections: 32 });
    say(`registering ${IDLE} systems`);
    const { systems, privateKeyPem } = await populate(platform.databaseUrl, made, IDLE);
    const [keys, ids] = [systems.map(({ accessKey }) => accessKey), systems.map(({ systemId }) => systemId)];
    await crowds.all('setUp', undefined, { url: `ws://127.0.0.1:${appPort('notifier', 1)}/v1/stream`, privateKeyPem });
    const before = await rss();
    let healthy;
    if (PHASES.some((phase) => ['steady', 'dead'].includes(phase))) {
      const [{ ms: took }] = await crowds.all('open', keys.slice(0, CONNECTED));
      tell(`${CONNECTED} streams opened in`, ms(took), (await crowds.count()) === CONNECTED);
      tell(
        'memory per connection',
        `${(((await rss()) - before) / CONNECTED).toFixed(1)} KiB (RSS ${(before / 1024).toFixed(0)} → ${((await rss()) / 1024).toFixed(0)} MiB)`,
      );
      const quiet = await watched(() => sleep(10_000));
      tell(`CPU of the notifier with ${CONNECTED} idle streams`, `${quiet.cpu.toFixed(1)} % of a core`);
      await packets(client, ids.slice(0, CONNECTED), crowds, 5);
      const { result, cpu } = await watched(() => packets(client, ids.slice(0, CONNECTED), crowds, SECONDS));
      healthy = result;
      tell(
        `notice at ${PER_SECOND} packets/s to ${CONNECTED} connected systems, p50/p99`,
        `${ms(result.p50)} / ${ms(result.p99)} (${result.told})`,
        result.p99 < 500 && result.whole,
      );
      tell(
        'CPU of the notifier meanwhile',
        `${cpu.toFixed(1)} % of a core, ${((cpu * 10) / CONNECTED).toFixed(3)} ms per connection and second`,
      );
    }
    if (PHASES.includes('dead')) await deadReaders();
    if (PHASES.includes('idle')) await idleCrowd();
    if (PHASES.includes('storm')) await reconnectStorm();
    await client.close();

    async function deadReaders() {
      const range = [CONNECTED, CONNECTED + DEAD];
      const [itsKeys, itsIds] = [keys.slice(...range), ids.slice(...range)];
      // They come back after an outage: what waited for them is sent at once, as much as a window takes.
      await burst(platform.databaseUrl, itsIds, { each: EVENTS_OF_DEAD + 50, bytes: 2000 });
      const [dead, slow] = [itsKeys.slice(0, DEAD / 2), itsKeys.slice(DEAD / 2)];
      const rssBefore = await rss();
      await crowds.all('open', dead, { how: 'dead' });
      await crowds.all('open', slow, { how: 'slow' });
      const began = performance.timeOrigin + performance.now();
      const seen = { buffered: 0, rss: rssBefore, gone: 0 };
      const looking = (async () => {
        while (seen.gone === 0 && performance.timeOrigin + performance.now() - began < 120_000) {
          // Seldom: what it costs to collect the metrics is not to be measured.
          const [buffered, kib, open] = await metrics(
            'lienthong_streams_buffered_bytes',
            'process_resident_memory_bytes',
            'lienthong_streams_open',
          );
          seen.buffered = Math.max(seen.buffered, buffered);
          seen.rss = Math.max(seen.rss, kib / 1024);
          if (open <= CONNECTED) seen.gone = performance.timeOrigin + performance.now() - began;
          else await sleep(2000);
        }
      })();
      const during = await packets(client, ids.slice(0, CONNECTED), crowds, SECONDS);
      await looking;
      tell(
        `${DEAD} readers that read nothing or acknowledge nothing, ${EVENTS_OF_DEAD + 50} events of 2 KB for each: all dropped after`,
        ms(seen.gone),
        seen.gone > 0 && seen.gone <= 64_000,
      );
      tell(
        'bytes waiting for the worst of them, at most',
        `${(seen.buffered / 1024).toFixed(0)} KiB`,
        seen.buffered <= 512 * 1024,
      );
      tell(
        'memory of the notifier grew by',
        `${((seen.rss - rssBefore) / DEAD).toFixed(1)} KiB per such reader`,
        (seen.rss - rssBefore) / DEAD <= 512,
      );
      await crowds.all('leave', itsKeys);
      const after = await packets(client, ids.slice(0, CONNECTED), crowds, SECONDS);
      const moved = during.p99 / ((healthy.p99 + after.p99) / 2) - 1;
      tell(
        'notice to healthy systems meanwhile, p50/p99',
        `${ms(during.p50)} / ${ms(during.p99)} (${ms(after.p50)} / ${ms(after.p99)} after they were gone; p99 ${moved > 0 ? '+' : ''}${(100 * moved).toFixed(0)} %; ${during.told})`,
        moved <= 0.2 && during.whole,
      );
      tell(
        'closing codes',
        JSON.stringify(
          Object.fromEntries(Object.entries((await crowds.take()).closes).map(([code, times]) => [code, times.length])),
        ),
      );
    }

    async function idleCrowd() {
      const open = await crowds.count();
      const first = open > 0 ? CONNECTED : 0;
      const rssBefore = await rss();
      const [{ ms: took }] = await crowds.all('open', keys.slice(first));
      const count = await crowds.count();
      tell(`${count - open} more streams opened in`, ms(took), count === IDLE);
      tell(
        'memory per connection',
        `${(((await rss()) - rssBefore) / (count - open)).toFixed(1)} KiB (RSS ${((await rss()) / 1024).toFixed(0)} MiB with ${count})`,
      );
      const quiet = await watched(() => sleep(30_000));
      tell(`CPU of the notifier with ${count} idle streams`, `${quiet.cpu.toFixed(1)} % of a core`);
      await crowds.take();
      const times = [];
      const { cpu, peakMiB } = await watched(async () => {
        const began = await burst(platform.databaseUrl, ids);
        for (const until = Date.now() + 60_000; times.length < IDLE && Date.now() < until; await sleep(250))
          for (const [, at] of (await crowds.take()).arrivals) times.push(at - began);
      });
      tell(
        `burst of ${IDLE} notices to ${count} streams, p50/p99/last`,
        `${ms(percentile(times, 50))} / ${ms(percentile(times, 99))} / ${ms(Math.max(...times))} (${times.length} arrived)`,
        times.length === IDLE,
      );
      tell('CPU of the notifier meanwhile', `${cpu.toFixed(0)} % of a core, peak RSS ${peakMiB.toFixed(0)} MiB`);
    }

    async function reconnectStorm() {
      const open = await crowds.count();
      if (open < STORM) await crowds.all('open', keys.slice(0, STORM));
      else await crowds.all('leave', keys.slice(STORM));
      for (let n = 0; n < 100 && (await metric('lienthong_streams_open')) > STORM; n += 1) await sleep(200);
      const connected = await crowds.count();
      await crowds.all('arm');
      await crowds.take();
      const stopping = performance.now();
      await stopApp('notifier', 1);
      const stopped = performance.now();
      await startApp('notifier', 1);
      const ready = performance.now();
      while ((await crowds.count()) < connected && performance.now() - ready < 90_000) await sleep(100);
      const last = Math.max(...(await crowds.all('lastOpened')));
      const over = last - performance.timeOrigin - ready;
      const back = await crowds.count();
      tell(
        `the notifier with ${connected} streams stopped in`,
        `${ms(stopped - stopping)}, was ready again ${ms(ready - stopped)} later`,
      );
      tell(
        'reconnect storm over, after it was ready',
        `${ms(over)} (${back} of ${connected} back)`,
        back === connected && over < 30_000,
      );
    }
  } finally {
    crowds.close();
    await platform.stop();
  }
  if (missed.length > 0) process.exitCode = 1;
}

main().catch((error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exitCode = 1;
});
