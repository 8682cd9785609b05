import { type Exploration, explore } from './explore';
import { beginning, type Protocol, type State } from './state';

jest.setTimeout(240_000);

type May = Pick<State, 'crashes' | 'wipes' | 'resends'>;
const faults = (crashes: number, wipes = 0): May => ({ crashes, wipes, resends: 0 });
/** Sent again once: two rounds, without crashes, which make of it more states than a build has time for. */
const TWO_ROUNDS: May = { crashes: 0, wipes: 0, resends: 1 };

function run(title: string, protocol: Protocol, may: May): Exploration {
  const exploration = explore(beginning(may), protocol);
  const { states, steps, violation } = exploration;
  const found = violation
    ? `\n  ${violation.rule}\n${violation.trace.map((one) => `    ${one}`).join('\n')}`
    : 'no violation';
  process.stdout.write(
    `model: ${title}: ${may.crashes} crashes, ${may.wipes} wipes, ${may.resends} resends: ${states} states, ${steps} steps: ${found}\n`,
  );
  return exploration;
}

describe('The protocol, in every order in which it can happen', () => {
  it('keeps S1, S3–S7 and L8 with two crashes anywhere, a broker that loses all, and the sweeper', () => {
    const { violation, states, happened } = run('as it is', { sweeper: true }, faults(2, 1));
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(50_000);
    // Reachable, or the model proves nothing.
    for (const name of [
      'a destination accepts',
      'the deadline passes',
      'the source recalls',
      'the purge commits: purged',
    ])
      expect(happened).toContain(name);
    expect([...happened].filter((name) => name.includes('content is lost') || name.includes('refused'))).toEqual([]);
  });

  it('keeps them without the sweeper while the broker loses nothing that it has confirmed', () => {
    expect(run('no sweeper', { sweeper: false }, faults(2)).violation).toBeUndefined();
  });

  it('keeps them when a packet is sent again, while purges and completions of the former round are still on their way', () => {
    const { violation, happened } = run('as it is', { sweeper: true }, TWO_ROUNDS);
    expect(violation).toBeUndefined();
    expect(happened).toContain('the purge is overtaken');
  });
});

describe('A seeded design bug is found (reliability 9.3)', () => {
  it.each<[string, Partial<Protocol>, RegExp, May]>([
    ['1: acknowledged before the commit', { answersBeforeCommit: true }, /^S1/, faults(2, 1)],
    ['5: content deleted before the last outcome is committed', { deletesBeforeOutcome: true }, /^S6/, faults(2, 1)],
    ['6: content deleted without an intent', { purgesWithoutIntent: true }, /^S6/, faults(2, 1)],
    ['7: recorded as purged before the delete', { recordsBeforeDelete: true }, /^S7/, faults(2, 1)],
    ['11: «all final» read outside the lock', { settlesOutsideLock: true }, /^L8/, faults(0)],
    ['a completion that commits into a later round', { completesAnyRound: true }, /^S5/, TWO_ROUNDS],
    ['an analysis that commits into a later round', { analysesAnyRound: true }, /^S1/, TWO_ROUNDS],
    ['a purge that records itself in a later round', { recordsAnyRound: true }, /^S7/, TWO_ROUNDS],
    ['one place in the store for the content of all rounds', { onePlaceForAllRounds: true }, /^S6/, TWO_ROUNDS],
  ])('%s, sweeper or not', (title, bug, rule, may) => {
    expect(run(title, { sweeper: true, ...bug }, may).violation?.rule).toMatch(rule);
  });

  const LOST_WORK: [string, Partial<Protocol>, number][] = [
    ['2: a row leaves the outbox before the broker confirmed', { forgetsBeforeConfirm: true }, 1],
    ['3: a task is sent outside the transaction', { sendsOutsideTransaction: true }, 1],
    ['4: a consumer acknowledges before its commit', { acknowledgesBeforeCommit: true }, 1],
    ['8: no dead letters at the delivery limit', { dropsAtDeliveryLimit: true }, 2],
  ];

  it.each(LOST_WORK)('%s: work is lost without the sweeper', (title, bug, crashes) => {
    expect(run(`${title}, no sweeper`, { sweeper: false, ...bug }, faults(crashes)).violation?.rule).toMatch(/^L8/);
  });

  it.each(LOST_WORK)('%s: with the sweeper nothing is', (title, bug, crashes) => {
    expect(run(`${title}, sweeper`, { sweeper: true, ...bug }, faults(crashes)).violation).toBeUndefined();
  });

  it('20: no sweeper, and a broker that loses all', () => {
    expect(run('20: no sweeper', { sweeper: false }, faults(0, 1)).violation?.rule).toMatch(/^L8/);
  });
});
