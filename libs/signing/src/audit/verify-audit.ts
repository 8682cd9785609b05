import { keySetOf } from '../receipts/compact-jws';
import { type Checkpoint, type Tombstone, verifyCheckpoint, verifyTombstone } from './checkpoint';
import { type AuditEntry, canonicalEntry, leafHash } from './entry';
import { GrowingTree } from './tree';

/** A line of an audit bundle, in this order: one `range`, the `tombstone`s, then entries and leaves by `seq`, each `checkpoint` right after its last entry. */
export type AuditLine =
  | { type: 'range'; v: 1; origin: string; from: number; to: number; frontier: string[] }
  | { type: 'tombstone'; jws: string }
  /** An entry as it is kept. `seq` null: it stands among sealed ones but was never sealed. */
  | { type: 'entry'; seq: number | null; leaf: string | null; entry: AuditEntry }
  /** A leaf whose entry is gone. */
  | { type: 'leaf'; seq: number; leaf: string }
  | { type: 'checkpoint'; jws: string };

export interface AuditVerdict {
  valid: boolean;
  /** Every problem, at the entry it was found at; -1: the bundle as a whole. After the hundredth they are only counted. */
  problems: { seq: number; problem: string }[];
  problemCount: number;
  from: number;
  to: number;
  entries: number;
  /** Entries whose time of keeping was over. */
  forgotten: number;
  checkpoints: number;
  origin: string;
}

/** Of an entry: what is not hashed must not be shown as if it were. */
const MEMBERS = 9;
/** More of them help nobody. */
const PROBLEMS_LISTED = 100;

/**
 * Checks a range of the audit log, offline, against a saved JWKS: hashes every entry anew, grows the tree from the range's frontier, and compares it with
 * each signed checkpoint. Memory does not grow with the range.
 * @param outside checkpoints that were kept outside the database: only they show that the log was cut short or made anew
 * @returns what was found. Throws only for a JWKS that is none.
 */
export async function verifyAuditRange(
  lines: Iterable<AuditLine> | AsyncIterable<AuditLine>,
  jwks: { keys: object[] },
  outside: readonly string[] = [],
): Promise<AuditVerdict> {
  const verifier = new AuditVerifier(jwks);
  await verifier.compareWith(outside);
  for await (const line of lines) await verifier.take(line);
  return verifier.verdict();
}

class AuditVerifier {
  private readonly keys;
  private readonly outside: Checkpoint[] = [];
  private readonly tombstones: { tombstone: Tombstone; gone: GrowingTree }[] = [];
  private readonly found: AuditVerdict['problems'] = [];
  private problemCount = 0;
  private range?: Extract<AuditLine, { type: 'range' }>;
  private tree = new GrowingTree();
  private readonly counts = { entries: 0, forgotten: 0, checkpoints: 0 };
  private last?: Checkpoint;

  constructor(jwks: { keys: object[] }) {
    this.keys = keySetOf(jwks);
  }

  async compareWith(outside: readonly string[]): Promise<void> {
    for (const jws of outside)
      await verifyCheckpoint(jws, this.keys).then(
        (checkpoint) => this.outside.push(checkpoint),
        (error: Error) => this.note(-1, `an outside checkpoint ${error.message}`),
      );
  }

  async take(line: AuditLine): Promise<void> {
    if (!this.range) return this.begin(line);
    const { size } = this.tree;
    try {
      if (line.type === 'tombstone') await this.tombstone(line.jws);
      else if (line.type === 'entry') this.entry(line, size);
      else if (line.type === 'leaf') this.leaf(line, size);
      else if (line.type === 'checkpoint')
        this.checkpoint(await this.ofThisLog(verifyCheckpoint(line.jws, this.keys)), size);
      else this.note(size, 'is a line of no known type');
    } catch (error) {
      this.note(size, `${line?.type}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  verdict(): AuditVerdict {
    const { size } = this.tree;
    const { from = 0, to = 0, origin = '' } = this.range ?? {};
    if (!this.range) this.note(-1, 'the bundle holds no range');
    else if (size !== to) this.note(-1, `the range ends at ${to}, its entries at ${size}`);
    if (size > from && this.last?.size !== size) this.note(-1, 'what comes after the last checkpoint is not signed');
    // A range may begin or end within what a tombstone covers; then its root cannot be told.
    for (const { tombstone, gone } of this.tombstones)
      if (gone.size === tombstone.count && gone.root().toString('base64url') !== tombstone.root)
        this.note(-1, 'what is gone is not what its tombstone says');
    for (const { size: known } of this.outside) {
      if (known > size) this.note(-1, `cut short: an outside checkpoint has ${known} entries, this log ${size}`);
      if (known < from) this.note(-1, `an outside checkpoint of ${known} entries lies before this range`);
    }
    return {
      valid: this.problemCount === 0,
      problems: this.found,
      problemCount: this.problemCount,
      from,
      to,
      origin,
      ...this.counts,
    };
  }

  private begin(line: AuditLine): void {
    try {
      if (line?.type !== 'range' || line.v !== 1) throw new Error('does not begin with a range of version 1');
      if (![line.from, line.to].every(Number.isSafeInteger)) throw new Error('the range is not one of numbers');
      this.tree = new GrowingTree(line.from, line.frontier.map(hashOf));
      this.range = line;
      this.compare();
    } catch (error) {
      this.note(-1, error instanceof Error ? error.message : String(error));
    }
  }

  private entry({ seq, leaf, entry }: Extract<AuditLine, { type: 'entry' }>, size: number): void {
    if (seq === null) return this.note(size, `entry ${entry.id} was never sealed`);
    if (seq !== size) this.note(size, `is numbered ${seq}`);
    if (Object.keys(entry).length !== MEMBERS) this.note(size, 'has members that are not its own');
    const hash = leafHash(canonicalEntry(entry));
    if (!hash.equals(hashOf(leaf))) this.note(size, 'is not what was sealed');
    this.counts.entries++;
    this.grow(hash);
  }

  private leaf({ seq, leaf }: Extract<AuditLine, { type: 'leaf' }>, size: number): void {
    if (seq !== size) this.note(size, `is numbered ${seq}`);
    const hash = hashOf(leaf);
    const covering = this.tombstones.find(({ tombstone: { ranges } }) =>
      ranges.some(([from, to]) => from <= size && size < to),
    );
    if (covering) {
      covering.gone.append(hash);
      this.counts.forgotten++;
    } else this.note(size, 'the entry is gone');
    this.grow(hash);
  }

  private async tombstone(jws: string): Promise<void> {
    const tombstone = await this.ofThisLog(verifyTombstone(jws, this.keys));
    this.tombstones.push({ tombstone, gone: new GrowingTree() });
  }

  private checkpoint(checkpoint: Checkpoint, size: number): void {
    this.counts.checkpoints++;
    if (checkpoint.size !== size) this.note(size, `a checkpoint of ${checkpoint.size} entries stands here`);
    else if (checkpoint.root !== this.root()) this.note(size, 'the tree is not the one of its checkpoint');
    if (this.last ? checkpoint.previousRoot !== this.last.root : this.range?.from === 0 && checkpoint.previousRoot)
      this.note(size, 'the checkpoint does not follow the one before it');
    if (this.last && checkpoint.at < this.last.at) this.note(size, 'the checkpoint is older than the one before it');
    this.last = checkpoint;
  }

  private grow(leaf: Buffer): void {
    this.tree.append(leaf);
    this.compare();
  }

  private compare(): void {
    for (const { size, root, origin } of this.outside)
      if (size === this.tree.size && (root !== this.root() || origin !== this.range?.origin))
        this.note(size, 'the log is not the one of an outside checkpoint');
  }

  private async ofThisLog<T extends { origin: string }>(signed: Promise<T>): Promise<T> {
    const claims = await signed;
    if (claims.origin !== this.range?.origin) throw new Error(`is of ${claims.origin}`);
    return claims;
  }

  private root(): string {
    return this.tree.root().toString('base64url');
  }

  private note(seq: number, problem: string): void {
    this.problemCount++;
    if (this.found.length < PROBLEMS_LISTED) this.found.push({ seq, problem });
  }
}

/** @throws Error for a text that is no hash */
function hashOf(text: string | null): Buffer {
  const hash = Buffer.from(text ?? '', 'base64url');
  if (hash.length !== 32 || hash.toString('base64url') !== text) throw new Error('is no hash');
  return hash;
}
