// The order of Jest's test files. Without a cache, as in CI, Jest begins with the largest files; these take longest whatever their size, and begun among the last they
// would leave one worker alone at the end of their ring (conformance: over a minute).
import { statSync } from 'node:fs';

const LONGEST = [
  'conformance/queue/postgres',
  'conformance/queue/rabbitmq',
  'conformance/storage/s3',
  'conformance/audit/sealing',
  'flow/abuse-signatures',
  'flow/ladder',
  'flow/evidence-rounds',
  'flow/webhook',
  'flow/events',
  'flow/resend',
  'flow/token',
  'abuse/quotas-and-races',
];

const rankOf = ({ path }) => {
  const rank = LONGEST.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
  return rank < 0 ? LONGEST.length : rank;
};

export default class LongestFirst {
  sort(tests) {
    const files = tests.map((test) => ({ test, rank: rankOf(test), bytes: statSync(test.path).size }));
    return files.toSorted((a, b) => a.rank - b.rank || b.bytes - a.bytes).map(({ test }) => test);
  }

  /** Jest's own keeps durations and failures of the last run here. */
  cacheResults() {}
}
