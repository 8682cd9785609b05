// The targets of issue 2, item 8, each with what was measured. A phase that did not run leaves its target open; nothing is assumed.
const RATIO_INLINE = 0.5;
const RATIO_MULTIPART = 0.8;
const NOTICE_P99_MS = 250;
const RSS_MIB = 250;
const RATIO_FULL = 0.9;
/**
 * Flat: the highest of the last third of the time is not above the highest of the first third by more than this. The highest, because a process that
 * collects its garbage now and then goes up and down; what leaks is seen in its peaks.
 */
const GROWTH = { fraction: 0.1, mib: 16 };
const FULL_SIZE = 100_000;

export function targetsOf({ comparisons, steady, full }) {
  const inline = comparisons.find(({ workload }) => workload === 'inline');
  const multipart = comparisons.find(({ workload }) => workload === 'multipart');
  return [
    target(`platform/raw ≥ ${RATIO_INLINE} on 16 KiB inline`, inline, ({ ratio }) => [
      ratio >= RATIO_INLINE,
      fixed(ratio),
    ]),
    target(`platform/raw ≥ ${RATIO_MULTIPART} on 64 MiB multipart`, multipart, ({ ratio }) => [
      ratio >= RATIO_MULTIPART,
      fixed(ratio),
    ]),
    target(`notice p99 < ${NOTICE_P99_MS} ms at 20 packets/s`, steady, ({ completionToNoticeMs: { p99 } }) => [
      p99 !== null && p99 < NOTICE_P99_MS,
      `${p99?.toFixed(0)} ms`,
    ]),
    target(`RSS of every platform process < ${RSS_MIB} MiB while 64 MiB parts move`, multipart, highest),
    target('RSS of every platform process flat meanwhile', multipart, flattest),
    target(
      `throughput with 100,000 finished and 100,000 waiting ≥ ${RATIO_FULL} of empty`,
      full,
      ({ ratio, fillPackets }) => {
        const small = fillPackets < FULL_SIZE ? ` (quick: only ${fillPackets} each)` : '';
        return [ratio >= RATIO_FULL, `${fixed(ratio)}${small}`];
      },
    ),
  ];
}

function target(text, measured, judge) {
  if (!measured) return { target: text, reached: null, measured: 'not measured' };
  const [reached, value] = judge(measured);
  return { target: text, reached, measured: value };
}

const platformProcesses = ({ platform }) => platform.processes.filter(({ role }) => role === 'platform');

function highest(multipart) {
  const [worst] = platformProcesses(multipart).toSorted((a, b) => b.peakMiB - a.peakMiB);
  return [worst.peakMiB < RSS_MIB, `${worst.peakMiB.toFixed(0)} MiB (${worst.name})`];
}

function flattest(multipart) {
  const [worst] = platformProcesses(multipart)
    .map(({ name, rssMiB }) => ({ name, ...thirds(rssMiB.map(([, mib]) => mib)) }))
    .toSorted((a, b) => tooMuch(b) - tooMuch(a));
  return [tooMuch(worst) <= 0, `peak ${worst.first.toFixed(0)} → ${worst.last.toFixed(0)} MiB (${worst.name})`];
}

/** MiB of growth beyond what is allowed. */
const tooMuch = ({ first, last }) => last - first - Math.max(GROWTH.mib, GROWTH.fraction * first);

function thirds(values) {
  const third = Math.max(1, Math.floor(values.length / 3));
  return { first: Math.max(...values.slice(0, third)), last: Math.max(...values.slice(-third)) };
}

const fixed = (ratio) => ratio.toFixed(2);
