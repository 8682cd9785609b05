import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Larger areas are the reservations of V8 and of WebAssembly, mapped and never written. */
const LARGEST = 512 * 1024 * 1024;
const CHUNK = 16 * 1024 * 1024;

/** Why the memory of another process of ours cannot be read here; empty when it can. */
export function cannotReadMemory(): string {
  try {
    closeSync(openSync(`/proc/${process.pid}/mem`, 'r'));
    return '';
  } catch (error) {
    return `the memory of a process cannot be read here: ${(error as Error).message}`;
  }
}

/**
 * Looks for byte strings in all writable memory of a process: heap, buffers, stacks, what was freed and not yet overwritten. More than a heap snapshot, which leaves buffers out.
 * @param needles by name
 * @returns the names of those that are there
 */
export function findInMemory(pid: number, needles: Record<string, Buffer>): string[] {
  const found = new Set<string>();
  const longest = Math.max(...Object.values(needles).map(({ length }) => length));
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const [start, end] of writableAreas(pid)) {
      for (let at = start; at < end; at += CHUNK - longest) {
        const chunk = Buffer.alloc(Math.min(CHUNK, end - at));
        let length: number;
        try {
          length = readSync(memory, chunk, 0, chunk.length, at);
        } catch {
          // Given back to the system meanwhile.
          break;
        }
        for (const [name, needle] of Object.entries(needles))
          if (!found.has(name) && chunk.subarray(0, length).includes(needle)) found.add(name);
        if (end - at <= CHUNK) break;
      }
    }
  } finally {
    closeSync(memory);
  }
  return [...found].toSorted();
}

function writableAreas(pid: number): [number, number][] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line))
    .filter((match) => match !== null)
    .map(([, start, end]): [number, number] => [Number.parseInt(start, 16), Number.parseInt(end, 16)])
    .filter(([start, end]) => end - start <= LARGEST && end <= Number.MAX_SAFE_INTEGER);
}
