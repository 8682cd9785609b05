import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SIGNATURE_ALGORITHMS } from '@lienthong/contracts';
import { type ReceiptsToVerify, verifyReceipts } from '@lienthong/signing';
import fc from 'fast-check';
import { examples, sayWhatIsMissing, vectorsFolder, verifier } from '../../support/examples';
import { itWhen } from '../../support/when';

jest.setTimeout(120_000);

interface Signatures {
  keys: Record<string, { alg: string }>;
  cases: { key: string; expect: string }[];
}
interface Receipts {
  jwks: { keys: object[] };
  cases: { name: string; bundle: ReceiptsToVerify; valid: boolean; problemsAt: number[] }[];
}
const read = <T>(name: string): T => JSON.parse(readFileSync(join(vectorsFolder, name), 'utf8')) as T;

describe('The small clients of libs/client/examples', () => {
  const { keys, cases } = read<Signatures>('signatures.json');
  const counts = SIGNATURE_ALGORITHMS.map((alg) => {
    const own = cases.filter(({ key }) => keys[key].alg === alg);
    const good = own.filter(({ expect: expected }) => expected === 'ok').length;
    return `${alg}: ${good} good reproduced, ${own.length - good} bad flagged`;
  });

  const clients = examples();
  sayWhatIsMissing(clients);
  const seen: string[] = [];
  afterAll(() => {
    clients.forEach((client) => client.dispose());
    process.stdout.write(seen.map((line) => `example ${line}\n`).join(''));
  });

  for (const { language, missing, run } of clients) {
    itWhen(!missing, missing ?? '')(`${language} reproduces every good signature and flags every bad one`, async () => {
      const printed = await run(['vectors', vectorsFolder]);
      expect(printed.trim().split('\n').toSorted()).toEqual(counts.toSorted());
      seen.push(`${language}: ${cases.length} vectors of ${counts.length} algorithms`);
    });
  }
});

describe('The second verifier of evidence', () => {
  const { missing, run } = verifier();
  const published = read<Receipts>('receipts.json');
  const whole = published.cases.filter(({ valid, bundle }) => valid && bundle.receipts.length > 2);

  itWhen(!missing, missing ?? '')('judges every published bundle as lienthong verify does', async () => {
    const good = published.cases.filter(({ valid }) => valid).length;
    expect(await run(['vectors', vectorsFolder])).toBe(
      `receipts: ${good} good, ${published.cases.length - good} bad, 0 judged wrongly\n`,
    );
  });

  itWhen(!missing, missing ?? '')(
    'finds every random change that lienthong verify finds, at the same receipts',
    async () => {
      const changed = await Promise.all(
        fc.sample(mutation, { numRuns: 1000, seed: 3 }).map(async ({ which, kind, at, other, character }, index) => {
          const { bundle } = whole[which % whole.length];
          const receipts = changeOne(bundle.receipts, kind, at, other, character);
          const mutant = { packetId: bundle.packetId, receipts };
          const { valid, problems } = await verifyReceipts(mutant, published.jwks);
          const problemsAt = [...new Set(problems.map(({ index: where }) => where))].toSorted((a, b) => a - b);
          return { name: `${index} ${kind}`, bundle: mutant, valid, problemsAt };
        }),
      );
      const folder = mkdtempSync(join(tmpdir(), 'lienthong-mutants-'));
      try {
        writeFileSync(join(folder, 'receipts.json'), JSON.stringify({ jwks: published.jwks, cases: changed }));
        const bad = changed.filter(({ valid }) => !valid).length;
        expect(bad).toBeGreaterThan(900);
        process.stdout.write(`evidence: 1000 random changes, ${bad} bad, judged alike by both verifiers\n`);
        expect(await run(['vectors', folder])).toBe(`receipts: ${1000 - bad} good, ${bad} bad, 0 judged wrongly\n`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});

const mutation = fc.record({
  which: fc.nat(),
  kind: fc.constantFrom('edit', 'remove', 'insert', 'exchange'),
  at: fc.nat(),
  other: fc.nat(),
  character: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ é'),
});

/** Removing the last receipt is not among them: that a chain was cut short at its end only a later receipt could show. */
function changeOne(
  receipts: { jws: string }[],
  kind: string,
  at: number,
  other: number,
  character: string,
): { jws: string }[] {
  const list = [...receipts];
  const index = at % (list.length - 1);
  const { jws } = list[index];
  const place = other % jws.length;
  if (kind === 'edit') list[index] = { jws: jws.slice(0, place) + character + jws.slice(place + 1) };
  if (kind === 'remove') list.splice(index, 1);
  if (kind === 'insert') list.splice(index + 1, 0, list[other % list.length]);
  if (kind === 'exchange') [list[index], list[list.length - 1]] = [list[list.length - 1], list[index]];
  return list;
}
