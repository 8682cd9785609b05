// CPU time and memory of processes, read from /proc (proc(5)) by the process that steers the benchmark.
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;
const EVERY_MS = 250;

/**
 * A group is what one line of the table shows: `{ name, role: 'platform' | 'server' | 'load', roots: [pid], tree: boolean }`. With `tree` the
 * descendants count too (PostgreSQL's backends, nginx's workers).
 */
export class ProcessSampler {
  #groups;
  #everyMs;
  #timer;
  #cpu = new Map();
  #samples = [];
  #began = 0;

  /** @param options everyMs: a look reads all of /proc and keeps this process from anything else for some milliseconds */
  constructor(groups, { everyMs = EVERY_MS } = {}) {
    this.#groups = groups;
    this.#everyMs = everyMs;
  }

  /** Every process in /proc with its parent and its ticks of CPU. */
  static #processes() {
    const found = new Map();
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const fields = statOf(entry);
      if (fields)
        found.set(Number(entry), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
    }
    return found;
  }

  start() {
    this.#began = performance.now();
    this.#cpu.clear();
    this.#samples = [];
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), this.#everyMs);
  }

  /** @returns per group CPU seconds and peak RSS (MiB) since `start`, and its RSS over time */
  stop() {
    clearInterval(this.#timer);
    this.#sample();
    return this.#groups.map(({ name, role }) => {
      const cpuSeconds = [...this.#cpu.values()]
        .filter((process) => process.group === name)
        .reduce((sum, { first, last }) => sum + (last - first) / TICKS_PER_SECOND, 0);
      const series = this.#samples.map(({ at, rss }) => ({ at, mib: rss.get(name) ?? 0 }));
      return { name, role, cpuSeconds, peakMiB: Math.max(...series.map(({ mib }) => mib)), series };
    });
  }

  #sample() {
    const processes = ProcessSampler.#processes();
    const rss = new Map();
    for (const group of this.#groups) {
      const pids = group.tree ? withDescendants(group.roots, processes) : group.roots;
      for (const pid of pids) this.#count(group.name, pid, processes.get(pid)?.ticks);
      rss.set(group.name, residentMiB(pids));
    }
    this.#samples.push({ at: performance.now() - this.#began, rss });
  }

  /** A process that is new in a group (a fresh backend) counts from its beginning; what ends between two samples loses its last quarter second. */
  #count(group, pid, ticks) {
    if (ticks === undefined) return;
    const known = this.#cpu.get(pid);
    if (known) known.last = ticks;
    else this.#cpu.set(pid, { group, first: this.#samples.length === 0 ? ticks : 0, last: ticks });
  }
}

/** Fields of /proc/<pid>/stat from the third (state) on; the command, in brackets, may hold spaces and brackets. */
function statOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function withDescendants(roots, processes) {
  const found = new Set(roots);
  for (let grew = true; grew;) {
    grew = false;
    for (const [pid, { parent }] of processes)
      if (found.has(parent) && !found.has(pid)) {
        found.add(pid);
        grew = true;
      }
  }
  return [...found];
}

/** RSS of a group; memory that its processes share (PostgreSQL's buffers) counts once. */
function residentMiB(pids) {
  let own = 0;
  let shared = 0;
  for (const pid of pids) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const shmem = kiB(status, 'RssShmem');
      own += kiB(status, 'VmRSS') - shmem;
      shared = Math.max(shared, shmem);
    } catch {
      // Gone since it was listed.
    }
  }
  return (own + shared) / 1024;
}

const kiB = (status, field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);

export function loadAverage() {
  return readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).map(Number);
}
