import { createHash } from 'node:crypto';

/** Merkle tree of RFC 9162, section 2.1, over leaf hashes. All of it is pure; nothing here keeps more than it must. */

const NODE = Buffer.from([1]);

/** Inner node: SHA-256 of 0x01, left, right. The prefix keeps a node from passing for a leaf. */
export const nodeHash = (left: Buffer, right: Buffer): Buffer =>
  createHash('sha256').update(NODE).update(left).update(right).digest();

/** Root of the empty tree: SHA-256 of nothing. */
const EMPTY = createHash('sha256').digest();

/**
 * A tree that only grows, known by its frontier: the roots of its full subtrees, largest first, one for each 1 in the binary form of its size. Enough to
 * go on and to tell every later root; 64 hashes at most, whatever the log's size.
 */
export class GrowingTree {
  /** @throws Error when the frontier is not one of a tree of that size */
  constructor(
    private entries = 0,
    private readonly subtrees: Buffer[] = [],
  ) {
    const ones = entries.toString(2).replaceAll('0', '').length;
    if (!Number.isSafeInteger(entries) || entries < 0 || subtrees.length !== ones)
      throw new Error(`a tree of ${entries} entries has a frontier of ${ones}, not of ${subtrees.length}`);
    if (subtrees.some((hash) => hash.length !== 32)) throw new Error('a hash is 32 bytes');
  }

  get size(): number {
    return this.entries;
  }

  /** A copy: what is appended later does not change it. */
  get frontier(): Buffer[] {
    return [...this.subtrees];
  }

  append(leaf: Buffer): void {
    let hash = leaf;
    // Each trailing 1 of the size is a full subtree on the left that is now as full as the new one. Not `>>`, which is right up to 2^31 only.
    for (let n = this.entries; n % 2 === 1; n = Math.floor(n / 2)) hash = nodeHash(this.subtrees.pop() as Buffer, hash);
    this.subtrees.push(hash);
    this.entries++;
  }

  root(): Buffer {
    return this.subtrees.length === 0 ? EMPTY : this.subtrees.reduceRight((right, left) => nodeHash(left, right));
  }
}

export function treeRoot(leaves: readonly Buffer[]): Buffer {
  const tree = new GrowingTree();
  for (const leaf of leaves) tree.append(leaf);
  return tree.root();
}

/** @returns the audit path of one leaf (RFC 9162, 2.1.3.1) */
export function inclusionProof(leaves: readonly Buffer[], index: number): Buffer[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length)
    throw new RangeError(`there is no leaf ${index} among ${leaves.length}`);
  if (leaves.length === 1) return [];
  const k = largestPowerBelow(leaves.length);
  return index < k
    ? [...inclusionProof(leaves.slice(0, k), index), treeRoot(leaves.slice(k))]
    : [...inclusionProof(leaves.slice(k), index - k), treeRoot(leaves.slice(0, k))];
}

/** @returns the proof that the tree of the first `size` leaves is the beginning of the tree of all (RFC 9162, 2.1.4.1) */
export function consistencyProof(leaves: readonly Buffer[], size: number): Buffer[] {
  if (!Number.isInteger(size) || size < 1 || size > leaves.length)
    throw new RangeError(`there is no beginning of ${size} in ${leaves.length}`);
  return subproof(leaves, size, true);
}

function subproof(leaves: readonly Buffer[], size: number, whole: boolean): Buffer[] {
  if (size === leaves.length) return whole ? [] : [treeRoot(leaves)];
  const k = largestPowerBelow(leaves.length);
  return size <= k
    ? [...subproof(leaves.slice(0, k), size, whole), treeRoot(leaves.slice(k))]
    : [...subproof(leaves.slice(k), size - k, false), treeRoot(leaves.slice(0, k))];
}

/** RFC 9162, 2.1.3.2. */
export function verifyInclusion(
  { leaf, index, size, root }: { leaf: Buffer; index: number; size: number; root: Buffer },
  proof: readonly Buffer[],
): boolean {
  if (index < 0 || index >= size) return false;
  let [fn, sn, hash] = [BigInt(index), BigInt(size - 1), leaf];
  for (const other of proof) {
    if (sn === 0n) return false;
    if (odd(fn) || fn === sn) {
      hash = nodeHash(other, hash);
      while (!odd(fn) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else hash = nodeHash(hash, other);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && hash.equals(root);
}

interface Head {
  size: number;
  root: Buffer;
}

/** RFC 9162, 2.1.4.2. */
export function verifyConsistency(first: Head, second: Head, proof: readonly Buffer[]): boolean {
  if (first.size < 1 || first.size > second.size) return false;
  if (first.size === second.size) return proof.length === 0 && first.root.equals(second.root);
  const path = isPowerOfTwo(first.size) ? [first.root, ...proof] : [...proof];
  if (path.length === 0) return false;
  let [fn, sn] = [BigInt(first.size - 1), BigInt(second.size - 1)];
  while (odd(fn)) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [path[0], path[0]];
  for (const other of path.slice(1)) {
    if (sn === 0n) return false;
    if (odd(fn) || fn === sn) {
      [fr, sr] = [nodeHash(other, fr), nodeHash(other, sr)];
      while (!odd(fn) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else sr = nodeHash(sr, other);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && fr.equals(first.root) && sr.equals(second.root);
}

const odd = (n: bigint): boolean => (n & 1n) === 1n;
const isPowerOfTwo = (n: number): boolean => largestPowerBelow(n + 1) === n;

/** The largest power of two that is smaller than `n` > 1. */
function largestPowerBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}
