// npm run fuzz [-- --mutants 1000000 --seed 1 --workers 2]: mutants of signed requests against the real authenticator. Ends with
// `N passed, N failed, N skipped`, a mutant being one; code 1 when one was accepted, or an honest request refused.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { parseArgs } from 'node:util';
import { meaningOf } from './meaning.mjs';
import { copyOf, MUTATORS } from './mutators.mjs';
import { Random } from './random.mjs';
import { newAuthenticator, original, SIGNERS } from './world.mjs';

const NAMES = Object.keys(MUTATORS);
/** Mutants of one original. */
const EACH = 200;

/** Refusals that the protocol names (3); another would be a crash, and a crash is no refusal. */
const REFUSALS = new Set([
  'signature_missing',
  'signature_malformed',
  'signature_incomplete',
  'digest_mismatch',
  'unknown_key',
  'key_revoked',
  'key_expired',
  'algorithm_not_allowed',
  'signature_invalid',
  'clock_skew',
  'replayed_request',
  'session_expired',
]);

async function fuzz({ seed, mutants }) {
  const { authenticator, recorded } = newAuthenticator();
  const result = {
    mutants: 0,
    same: 0,
    accepted: 0,
    refused: {},
    byMutator: {},
    bySigner: {},
    wrong: [],
    originals: 0,
  };
  const count = (of, name) => (of[name] = (of[name] ?? 0) + 1);
  for (let round = 0; result.mutants < mutants; round++) {
    const random = new Random(seed * 1_000_003 + round);
    const signer = SIGNERS[round % SIGNERS.length];
    const [base, other] = [original(random, signer), original(random)];
    await authenticator.authenticate(base);
    result.originals++;
    const meaning = meaningOf(base);
    const right = meaning(base);
    // Two mutators together may put all of the other right request in: that one nobody sent yet, and it must be taken too.
    const otherMeaning = meaningOf(other);
    const otherRight = otherMeaning(other);
    for (let one = 0; one < EACH && result.mutants < mutants;) {
      const mutant = copyOf(base);
      const names = Array.from({ length: random.chance(0.25) ? 2 : 1 }, () => random.of(NAMES));
      for (const name of names) MUTATORS[name](mutant, random, other);
      const isSame = meaning(mutant) === right || otherMeaning(mutant) === otherRight;
      const before = recorded.count;
      const outcome = await authenticator.authenticate(mutant).then(
        () => 'accepted',
        (error) => error.code ?? error.message,
      );
      const wrong = (why) =>
        result.wrong.length < 20 && result.wrong.push({ why, seed, round, one, names, outcome, ...shown(mutant) });
      if (isSame) {
        result.same++;
        if (outcome !== 'accepted') wrong('the same request, and refused');
        continue;
      }
      one++;
      result.mutants++;
      count(result.bySigner, signer.keyId);
      for (const name of names) count(result.byMutator, name);
      if (outcome === 'accepted') {
        result.accepted++;
        wrong('accepted');
        continue;
      }
      count(result.refused, outcome);
      if (!REFUSALS.has(outcome)) wrong('not a refusal of protocol 3');
      if (recorded.count !== before) wrong('a nonce of a refused request was recorded');
    }
  }
  return result;
}

const shown = ({ method, target, rawHeaders, body }) => ({
  method,
  target,
  rawHeaders,
  body: body?.toString('base64') ?? null,
});

async function main() {
  const { values } = parseArgs({
    options: {
      mutants: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: '2' },
    },
  });
  const [mutants, seed, workers] = [values.mutants, values.seed, values.workers].map(Number);
  const start = performance.now();
  const results = await Promise.all(
    Array.from(
      { length: workers },
      (_, index) =>
        new Promise((resolve, reject) => {
          const share = Math.floor(mutants / workers) + (index < mutants % workers ? 1 : 0);
          const worker = new Worker(new URL(import.meta.url), {
            workerData: { seed: seed * 1000 + index, mutants: share },
          });
          worker.once('message', resolve).once('error', reject);
        }),
    ),
  );
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  const table = (field) => {
    const all = {};
    for (const result of results)
      for (const [name, count] of Object.entries(result[field])) all[name] = (all[name] ?? 0) + count;
    return Object.entries(all)
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, count]) => `  ${String(count).padStart(8)}  ${name}`)
      .join('\n');
  };
  const wrong = results.flatMap((result) => result.wrong);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `Mutants of signed requests, seed ${seed}, ${seconds} s\nby mutator\n${table('byMutator')}\nby signer\n${table('bySigner')}\nrefused as\n${table('refused')}`,
  );
  console.log(
    `originals ${sum('originals')}, all accepted; mutants ${sum('mutants')}; accepted = ${sum('accepted')}; beside them ${sum('same')} whose signed bytes were unchanged, and which must be accepted`,
  );
  for (const one of wrong) console.log(JSON.stringify(one));
  console.log(`\n${sum('mutants') - wrong.length} passed, ${wrong.length} failed, 0 skipped`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

if (isMainThread) await main();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
else parentPort.postMessage(await fuzz(workerData));
