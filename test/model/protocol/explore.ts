import { type Delivery, isFinal, isLive, keyOf, type Protocol, type State } from './state';
import type { Step } from './commits';
import { stepsFrom } from './steps';

export interface Exploration {
  states: number;
  steps: number;
  /** Undefined: nothing was found. The shortest way there. */
  violation?: { rule: string; trace: string[] };
  /** Names of the steps that happened somewhere. */
  happened: Set<string>;
}

interface Found {
  state: State;
  from: number;
  by: string;
}

/** A model that grows beyond this would be no check of every build any more. */
const AT_MOST = 2_000_000;

/**
 * Every state that can be reached, breadth first; every step is held to the rules. In the end: from every state a good end must be reachable by
 * what the platform and its clients do by themselves, without a fault, and without anybody's choice to recall or send again (L8).
 */
export function explore(start: State, protocol: Protocol): Exploration {
  const found: Found[] = [{ state: start, from: -1, by: '' }];
  const known = new Map([[keyOf(start), 0]]);
  /** For each state, those from which it is reached without a fault or choice. */
  const before: number[][] = [[]];
  const happened = new Set<string>();
  let steps = 0;
  for (let at = 0; at < found.length; at++) {
    const { state } = found[at];
    for (const step of stepsFrom(state, protocol)) {
      steps += 1;
      happened.add(step.name);
      const rule = brokenBy(state, step);
      if (rule)
        return {
          states: found.length,
          steps,
          happened,
          violation: { rule, trace: [...traceOf(found, at), step.name] },
        };
      const key = keyOf(step.to);
      let index = known.get(key);
      if (index === undefined) {
        index = found.length;
        if (index === AT_MOST) throw new Error(`The model has more than ${AT_MOST} states.`);
        known.set(key, index);
        found.push({ state: step.to, from: at, by: step.name });
        before.push([]);
      }
      if (step.by === 'platform' || step.by === 'client') before[index].push(at);
    }
  }
  const stuck = firstStuck(found, before);
  const violation =
    stuck === undefined ? undefined : { rule: 'L8: no good end can be reached any more', trace: traceOf(found, stuck) };
  return { states: found.length, steps, happened, violation };
}

/** Acknowledged, ended, purged, and nobody at work. */
const isGoodEnd = (state: State): boolean =>
  (state.packet === 'completed' || state.packet === 'recalled') &&
  state.purged &&
  state.content.length === 0 &&
  [
    state.outbox,
    state.broker,
    state.purges,
    state.analyses,
    state.dead,
    state.unsent,
    state.confirming,
    state.completing,
  ].every((one) => one.length === 0);

function firstStuck(found: Found[], before: number[][]): number | undefined {
  const good = new Set(found.flatMap(({ state }, index) => (isGoodEnd(state) ? [index] : [])));
  for (const index of good) for (const former of before[index]) good.add(former);
  const first = found.findIndex((_, index) => !good.has(index));
  return first === -1 ? undefined : first;
}

function traceOf(found: Found[], at: number): string[] {
  const trace: string[] = [];
  for (let index = at; found[index].from !== -1; index = found[index].from) trace.unshift(found[index].by);
  return trace;
}

const count = (deliveries: readonly Delivery[], state: Delivery): number =>
  deliveries.filter((one) => one === state).length;
const FINAL: Delivery[] = ['accepted', 'failed', 'recalled'];

/** @returns the rule of reliability 11 that a step breaks, in words */
function brokenBy(before: State, { to }: Step): string | undefined {
  const isTakenOver = to.packet !== 'open';
  if (to.acknowledged && !isTakenOver) return 'S1: acknowledged, and nothing of it is committed';
  const hadContent = before.content.includes(before.round);
  if (hadContent && !to.content.includes(before.round) && before.packet !== 'open') {
    if (!isFinal(before.packet)) return 'S6: content is deleted before its outcome is committed';
    if (!before.intent) return 'S6: content is deleted without a committed intent';
  }
  if (isTakenOver && !isFinal(to.packet) && !to.content.includes(to.round))
    return 'S5: a packet is under way without its content';
  if (to.packet === 'refused') return 'S1: a packet that was taken over whole is refused';
  if (to.purged && to.content.includes(to.round)) return 'S7: recorded as purged, and the content is there';
  if (to.purged && !isFinal(to.packet)) return 'S7: recorded as purged, and under way';
  if (to.round < before.round) return 'S3: a round is taken back';
  if (to.round === before.round) {
    if (isFinal(before.packet) && to.packet !== before.packet) return 'S3: the outcome of a packet changes';
    if (FINAL.some((state) => count(to.deliveries, state) < count(before.deliveries, state)))
      return 'S3: the outcome of a delivery changes';
    if (before.purged && !to.purged) return 'S3: what was purged is not any more';
  }
  if (isFinal(to.packet) && to.deliveries.some(isLive)) return 'S4: a packet has ended and a delivery of it has not';
  if (to.deliveries.length > to.recipients) return 'S4: a recipient has two deliveries in one round';
  return undefined;
}
