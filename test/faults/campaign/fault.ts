import { setTimeout as sleep } from 'node:timers/promises';

/** Something that is done to the platform, and undone. */
export interface Fault {
  name: string;
  strike(): Promise<void>;
  /** Everything is there again when it returns; the platform may still be recovering. */
  mend(): Promise<void>;
  /** Milliseconds between the two at most; 2 s unless told. */
  atMostMs?: number;
  /** Milliseconds between the two at least. */
  atLeastMs?: number;
}

/** Numbers from 0 to 1 that the campaign's seed decides. */
export type Random = () => number;

/** Waits a part of a second: long enough for steps to begin, short enough to strike in the middle of one. */
export const moment = (random: Random, atMostMs: number): Promise<void> => sleep(random() * atMostMs);

export const nothing = async (): Promise<void> => undefined;

export const oneOf = <T>(random: Random, among: readonly T[]): T => among[Math.floor(random() * among.length)];

/** In an order of chance. */
export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
