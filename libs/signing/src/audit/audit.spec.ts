import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { newPlatformKey, platformKeyOf } from '../receipts/platform-key';
import { type Checkpoint, signCheckpoint } from './checkpoint';
import { type AuditEntry, canonicalEntry, leafHash } from './entry';
import { consistencyProof, GrowingTree, inclusionProof, treeRoot, verifyConsistency, verifyInclusion } from './tree';
import { type AuditLine, verifyAuditRange } from './verify-audit';

interface Vectors {
  jwks: { keys: object[] };
  entries: { entry: AuditEntry; canonical: string; leaf: string }[];
  tree: { roots: string[]; inclusion: string[][]; consistency: string[][] };
  cases: { name: string; valid: boolean; outside: string[]; lines: AuditLine[] }[];
}
const file = join(__dirname, '../../../../docs/test-vectors/audit.json');
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
const text = (hash: Buffer) => hash.toString('base64url');
const bytes = (hash: string) => Buffer.from(hash, 'base64url');

describe('the published entries', () => {
  it.each(vectors.entries.map((vector) => [vector.entry.action, vector] as const))(
    '%s has its canonical bytes and its leaf',
    (_, { entry, canonical, leaf }) => {
      expect(canonicalEntry(entry).toString()).toBe(canonical);
      expect(text(leafHash(canonicalEntry(entry)))).toBe(leaf);
    },
  );

  it('have one canonical form whatever the order of their members', () => {
    const arbitrary = fc.record({ entry: fc.constantFrom(...vectors.entries), seed: fc.integer() });
    fc.assert(
      fc.property(arbitrary, ({ entry: { entry, canonical }, seed }) => {
        const members = Object.entries(entry).toSorted(([a], [b]) => ((a.length * seed) % 7) - ((b.length * seed) % 7));
        expect(canonicalEntry(Object.fromEntries(members) as unknown as AuditEntry).toString()).toBe(canonical);
      }),
    );
  });
});

describe('the published tree', () => {
  const leaves = vectors.entries.map(({ leaf }) => bytes(leaf));

  it('has the root of each size', () => {
    vectors.tree.roots.forEach((root, size) => expect(text(treeRoot(leaves.slice(0, size)))).toBe(root));
  });

  it('has the proofs of RFC 9162', () => {
    expect(leaves.map((_, index) => inclusionProof(leaves, index).map(text))).toEqual(vectors.tree.inclusion);
    expect(leaves.map((_, index) => consistencyProof(leaves, index + 1).map(text))).toEqual(vectors.tree.consistency);
  });
});

describe('any tree', () => {
  const hashes = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }).map(Buffer.from), {
    minLength: 1,
    maxLength: 70,
  });
  const split = hashes.chain((leaves) => fc.record({ leaves: fc.constant(leaves), at: fc.nat(leaves.length - 1) }));

  it('proves each leaf at its place, and none at another', () => {
    fc.assert(
      fc.property(split, fc.nat(69), ({ leaves, at }, other) => {
        const [root, proof] = [treeRoot(leaves), inclusionProof(leaves, at)];
        const size = leaves.length;
        expect(verifyInclusion({ leaf: leaves[at], index: at, size, root }, proof)).toBe(true);
        fc.pre(other !== at);
        expect(verifyInclusion({ leaf: leaves[at], index: other, size, root }, proof)).toBe(false);
      }),
    );
  });

  it('proves that it began as each smaller one, and as no other', () => {
    fc.assert(
      fc.property(split, fc.uint8Array({ minLength: 32, maxLength: 32 }), ({ leaves, at }, other) => {
        const [size, root] = [at + 1, treeRoot(leaves)];
        const proof = consistencyProof(leaves, size);
        const second = { size: leaves.length, root };
        expect(verifyConsistency({ size, root: treeRoot(leaves.slice(0, size)) }, second, proof)).toBe(true);
        expect(verifyConsistency({ size, root: Buffer.from(other) }, second, proof)).toBe(false);
      }),
    );
  });

  it('goes on from its frontier as if it had never stopped', () => {
    fc.assert(
      fc.property(split, ({ leaves, at }) => {
        const first = new GrowingTree();
        for (const leaf of leaves.slice(0, at)) first.append(leaf);
        const second = new GrowingTree(at, first.frontier);
        for (const leaf of leaves.slice(at)) second.append(leaf);
        expect(second.root()).toEqual(treeRoot(leaves));
        expect(first.root()).toEqual(treeRoot(leaves.slice(0, at)));
      }),
    );
  });

  it('refuses a frontier of another size', () => {
    expect(() => new GrowingTree(3, [Buffer.alloc(32)])).toThrow('a frontier of 2, not of 1');
    expect(() => new GrowingTree(1, [Buffer.alloc(31)])).toThrow('32 bytes');
  });

  it('has no proof of what it does not hold', () => {
    expect(() => inclusionProof([Buffer.alloc(32)], 1)).toThrow(RangeError);
    expect(() => consistencyProof([Buffer.alloc(32)], 2)).toThrow(RangeError);
  });
});

describe('the published ranges', () => {
  it.each(vectors.cases.map((vector) => [vector.name, vector] as const))('%s', async (_, { lines, valid, outside }) => {
    const verdict = await verifyAuditRange(lines, vectors.jwks, outside);
    expect({ valid: verdict.valid, problems: verdict.problems.length > 0 }).toEqual({ valid, problems: !valid });
  });

  it('are counted', async () => {
    const { lines } = vectors.cases[0];
    expect(await verifyAuditRange(lines, vectors.jwks)).toEqual({
      valid: true,
      problems: [],
      problemCount: 0,
      from: 0,
      to: 11,
      entries: 11,
      forgotten: 0,
      checkpoints: 4,
      origin: 'https://lienthong.example',
    });
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 1],
    ['an entry without one', { type: 'entry', seq: 11, leaf: null }],
    ['an unknown kind', { type: 'x' }],
    ['a leaf that is no hash', { type: 'leaf', seq: 11, leaf: 'x' }],
    ['a checkpoint that is none', { type: 'checkpoint', jws: 1 }],
  ])('are not valid with a line that is %s, and nothing is thrown', async (_, line) => {
    for (const at of [0, 5, vectors.cases[0].lines.length]) {
      const lines = vectors.cases[0].lines.toSpliced(at, 0, line as AuditLine);
      expect((await verifyAuditRange(lines, vectors.jwks)).valid).toBe(false);
    }
  });
});

describe('a sealed log', () => {
  const { kid, privatePem, publicJwk } = newPlatformKey();
  const key = platformKeyOf(kid, privatePem);
  const jwks = { keys: [publicJwk] };

  function sealed(count: number, batch: number): { lines: AuditLine[]; newest: string } {
    const tree = new GrowingTree();
    const lines: AuditLine[] = [{ type: 'range', v: 1, origin: 'o', from: 0, to: count, frontier: [] }];
    let [previousRoot, newest]: [string | null, string] = [null, ''];
    for (let seq = 0; seq < count; seq++) {
      const entry = { ...vectors.entries[seq % 11].entry, id: `entry-${seq}` };
      const leaf = leafHash(canonicalEntry(entry));
      tree.append(leaf);
      lines.push({ type: 'entry', seq, leaf: text(leaf), entry });
      if ((seq + 1) % batch !== 0 && seq + 1 !== count) continue;
      const claims: Checkpoint = { origin: 'o', size: seq + 1, root: text(tree.root()), previousRoot, at: 't' };
      newest = signCheckpoint(claims, key);
      lines.push({ type: 'checkpoint', jws: newest });
      previousRoot = claims.root;
    }
    return { lines, newest };
  }

  it('verifies no more when any one character of any line was changed', async () => {
    const { lines, newest } = sealed(20, 7);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.constantFrom(...'abcXYZ019-_'), async (which, position, character) => {
        const index = which % lines.length;
        const line = JSON.stringify(lines[index]);
        const at = position % line.length;
        const changed = line.slice(0, at) + character + line.slice(at + 1);
        let parsed: AuditLine;
        try {
          parsed = JSON.parse(changed) as AuditLine;
        } catch {
          return;
        }
        fc.pre(JSON.stringify(parsed) !== line);
        expect((await verifyAuditRange(lines.with(index, parsed), jwks, [newest])).valid).toBe(false);
      }),
      { numRuns: 1000 },
    );
    // A thousand verifications: three seconds of a quick machine.
  }, 60_000);

  it('verifies no more when lines were taken out, repeated or exchanged', async () => {
    const { lines, newest } = sealed(20, 7);
    const edit = fc.record({ kind: fc.constantFrom('cut', 'repeat', 'swap'), a: fc.nat(22), b: fc.nat(22) });
    await fc.assert(
      fc.asyncProperty(edit, async ({ kind, a, b }) => {
        fc.pre(kind !== 'swap' || a !== b);
        const changed =
          kind === 'cut'
            ? lines.toSpliced(a, 1)
            : kind === 'repeat'
              ? lines.toSpliced(a, 0, lines[b])
              : lines.with(a, lines[b]).with(b, lines[a]);
        expect((await verifyAuditRange(changed, jwks, [newest])).valid).toBe(false);
      }),
      { numRuns: 500 },
    );
  }, 60_000);
});
