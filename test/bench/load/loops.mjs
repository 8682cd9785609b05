// How packets are offered. Closed: a set number in flight, the next when one has arrived. Open: at a steady rate, whatever has become of the others.
import { setTimeout as sleep } from 'node:timers/promises';

const AFTER_FAILURE_MS = 100;

/** @param send gets the number of its lane, which has a buffer of its own @returns packets that arrived, and failures by message */
export async function closedLoop({ inFlight, seconds, maxPackets }, send) {
  const until = performance.now() + seconds * 1000;
  const counts = { arrived: 0, failures: {} };
  let begun = 0;
  const lane = async (number) => {
    while (performance.now() < until && begun < maxPackets) {
      begun += 1;
      await attempt(counts, () => send(number));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, number) => lane(number)));
  return counts;
}

export async function openLoop({ perSecond, seconds, lanes }, send) {
  const counts = { arrived: 0, failures: {} };
  const began = performance.now();
  const total = Math.round(perSecond * seconds);
  const sent = [];
  for (let number = 0; number < total; number += 1) {
    const wait = began + (number * 1000) / perSecond - performance.now();
    if (wait > 0) await sleep(wait);
    sent.push(attempt(counts, () => send(number % lanes)));
  }
  await Promise.all(sent);
  return counts;
}

async function attempt(counts, work) {
  try {
    await work();
    counts.arrived += 1;
  } catch (error) {
    const text = String(error?.message ?? error).slice(0, 200);
    counts.failures[text] = (counts.failures[text] ?? 0) + 1;
    await sleep(AFTER_FAILURE_MS);
  }
}
