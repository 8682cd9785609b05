// The result as text.

export function tableOf(result) {
  const { platform, machine, comparisons, steady, full, targets } = result;
  const lines = [
    `Liên Thông benchmark · ${platform.name}`,
    `${platform.versions.join(', ')} · Node ${machine.node} · ${machine.cores} cores · load average ${machine.loadBefore.join(' ')} before, ${machine.loadAfter.join(' ')} after · ${result.seconds.toFixed(0)} s${result.quick ? ' · quick: coarse numbers' : ''}`,
    '',
  ];
  if (comparisons.length > 0)
    lines.push(...throughput(comparisons), '', ...wrapped(`raw = ${platform.raw}`), '', ...costs(comparisons), '');
  if (steady) lines.push(...steadyLines(steady), '');
  if (full) lines.push(...fullLines(full), '');
  const marks = new Map([
    [true, 'reached'],
    [false, 'NOT reached'],
    [null, '–'],
  ]);
  lines.push(
    ...grid(
      ['target', 'measured', ''],
      targets.map((row) => [row.target, row.measured, marks.get(row.reached)]),
    ),
  );
  return lines.join('\n');
}

function throughput(comparisons) {
  const head = [
    'workload (packets in flight)',
    '',
    'packets/s',
    'deliveries/s',
    'to notice ms p50/p99',
    'to confirmed ms p50/p99',
    'packets',
    'failed',
    'ratio',
  ];
  const rows = comparisons.flatMap(({ title, inFlight, ratio, platform, raw }) => [
    [`${title} (${inFlight})`, 'platform', ...figures(platform), ratio.toFixed(2)],
    ['', 'raw', ...figures(raw), ''],
  ]);
  return grid(head, rows);
}

const figures = (side) => [
  side.packetsPerSecond.toFixed(1),
  side.deliveriesPerSecond.toFixed(1),
  times(side.completionToNoticeMs),
  times(side.noticeToConfirmedMs),
  String(side.packets),
  String(side.failed + side.unpurged),
];

function costs(comparisons) {
  const rows = comparisons.flatMap(({ title, platform, raw }) => [
    ...platform.processes.map((process, index) => cost(index === 0 ? title : '', 'platform', process)),
    ...raw.processes.map((process) => cost('', 'raw', process)),
  ]);
  return grid(['workload', '', 'process', 'CPU s / 1,000 packets', 'peak RSS MiB'], rows);
}

const cost = (title, side, { name, cpuSecondsPer1000, peakMiB }) => [
  title,
  side,
  name,
  cpuSecondsPer1000.toFixed(2),
  peakMiB.toFixed(0),
];

const steadyLines = (side) => [
  `20 packets/s of 16 KiB, open loop, ${side.seconds.toFixed(0)} s: completion to notice p50/p99 ${times(side.completionToNoticeMs)} ms, notice to confirmed ${times(side.noticeToConfirmedMs)} ms, ${side.packets} packets, ${side.failed + side.unpurged} failed`,
];

const fullLines = ({ fillPackets, before, filled, after, ratio }) => [
  `16 KiB inline, packets/s: empty ${before.packetsPerSecond.toFixed(1)}, with ${fillPackets} finished and ${fillPackets} waiting for others ${filled.packetsPerSecond.toFixed(1)}, empty again ${after.packetsPerSecond.toFixed(1)}: ratio ${ratio.toFixed(2)}`,
];

const times = ({ p50, p99 }) => (p50 === null ? '–' : `${p50.toFixed(0)} / ${p99.toFixed(0)}`);

function wrapped(text, width = 150) {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (lines.at(-1).length + word.length >= width) lines.push('');
    lines[lines.length - 1] += `${lines.at(-1) === '' ? '' : ' '}${word}`;
  }
  return lines;
}

/** Columns as wide as their widest cell; numbers to the right. */
function grid(head, rows) {
  const width = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  const line = (row) =>
    row
      .map((cell, column) =>
        /^[\d.]+( \/ [\d.]+)?$/.test(cell) ? cell.padStart(width[column]) : cell.padEnd(width[column]),
      )
      .join('  ')
      .trimEnd();
  return [line(head), width.map((n) => '─'.repeat(n)).join('  '), ...rows.map(line)];
}
