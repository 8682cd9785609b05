import { isCanonicalJws, type KeySet, signJws, verifyJws } from '../receipts/compact-jws';
import type { PlatformKey } from '../receipts/platform-key';

const CHECKPOINT_TYPE = 'lienthong-audit-checkpoint+jwt';
const TOMBSTONE_TYPE = 'lienthong-audit-tombstone+jwt';

/** The log as it was: whoever holds a checkpoint can tell whether anything of its first `size` entries was changed since. */
export interface Checkpoint {
  /** Whose log: the platform's public address. */
  origin: string;
  size: number;
  /** Root of the tree over the first `size` entries, base64url. */
  root: string;
  /** `root` of the checkpoint before, null in the first. */
  previousRoot: string | null;
  /** RFC 3339, UTC. */
  at: string;
}

/** Why entries are gone: their time of keeping was over. Their leaves stay, so that all the rest can still be verified. */
export interface Tombstone {
  origin: string;
  /** Runs of sequence numbers, the first and the one after the last. */
  ranges: [number, number][];
  count: number;
  /** Root of the tree over the leaves of what is gone, in their order, base64url. */
  root: string;
  /** What was kept at least, in days. */
  retentionDays: number;
  at: string;
}

export const signCheckpoint = (checkpoint: Checkpoint, key: PlatformKey): string =>
  signJws(checkpoint, CHECKPOINT_TYPE, key);
export const signTombstone = (tombstone: Tombstone, key: PlatformKey): string =>
  signJws(tombstone, TOMBSTONE_TYPE, key);

/** @throws Error in one phrase: the signature, the type, or what it says is not right */
export async function verifyCheckpoint(jws: string, keys: KeySet): Promise<Checkpoint> {
  const claims = (await verified(jws, CHECKPOINT_TYPE, keys)) as unknown as Checkpoint;
  const { origin, size, root, previousRoot, at } = claims;
  const texts = [origin, root, at, ...(previousRoot === null ? [] : [previousRoot])];
  if (!isCount(size) || texts.some((text) => typeof text !== 'string')) throw new Error('is not a checkpoint');
  return claims;
}

/** @throws Error in one phrase, as `verifyCheckpoint` */
export async function verifyTombstone(jws: string, keys: KeySet): Promise<Tombstone> {
  const claims = (await verified(jws, TOMBSTONE_TYPE, keys)) as unknown as Tombstone;
  const ranges: unknown = claims.ranges;
  const right = (range: unknown) => Array.isArray(range) && range.length === 2 && range.every(isCount);
  if (!Array.isArray(ranges) || !ranges.every(right) || typeof claims.origin !== 'string')
    throw new Error('is not a tombstone');
  return claims;
}

async function verified(jws: string, type: string, keys: KeySet): Promise<Record<string, unknown>> {
  if (typeof jws !== 'string' || !isCanonicalJws(jws)) throw new Error('not a compact JWS');
  return verifyJws(jws, type, keys);
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
