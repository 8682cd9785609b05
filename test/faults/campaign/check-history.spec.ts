import { violationsOf } from './check-history';
import { type History, newHistory, outcomesOf, repetitionsOf, type Said } from './history';

const DEADLINE = '2026-11-21T00:00:10.000Z';
const LATER = '2026-11-21T00:00:11.000Z';

/** Two packets of one source to one destination, as it should be; then what is not delivered, with its own events of another source. */
function good(): History {
  const history = newHistory();
  for (const [index, packetId] of ['p1', 'p2'].entries()) {
    const end = said(packetId, 'accepted');
    history.said.push(end);
    history.asked.set(`key-${packetId}`, { source: 'A', to: ['B'], sha256: packetId, packetId, answered: true });
    history.fetched.push({ packetId, destination: 'B', sha256: packetId });
    for (let times = 0; times < 2; times++)
      history.confirmed.push({ ...end, state: 'accepted', receipt: `r-${packetId}` });
    for (const [at, type] of ['delivery.accepted', 'packet.completed', 'packet.purged'].entries()) {
      const offset = String(1 + index * 3 + at);
      const of = at === 0 ? `${packetId}-B1` : undefined;
      history.events.push({ system: 'A', offset, id: `e${offset}`, type, at: LATER, packetId, of });
    }
    history.final.set(packetId, {
      state: 'completed',
      purged: true,
      round: 1,
      ends: { completed: 1, purged: 1 },
      recipients: [delivery(packetId, 'B', 'accepted')],
      problems: [],
    });
    history.repeated.push({ key: `key-${packetId}`, packetId });
  }
  undelivered(history);
  repeated(history);
  // Came twice, and was never answered: both may be.
  history.events.push({ ...history.events[0] });
  history.asked.set('key-p3', { source: 'A', to: ['B'], sha256: 'x', answered: false });
  return history;
}

/** Of source C: one that B rejected and N never came for, and one that was taken back from B before it came. */
function undelivered(history: History): void {
  const given = { source: 'C', sha256: 'x', answered: true };
  history.asked.set('key-lost', { ...given, to: ['B', 'N'], packetId: 'lost', deliverBy: DEADLINE });
  history.asked.set('key-back', { ...given, to: ['B'], packetId: 'back', recalled: true });
  history.said.push(said('lost', 'rejected'));
  const recipients = [delivery('lost', 'B', 'rejected'), delivery('lost', 'N', 'undeliverable')];
  const ends = { completed: 1, purged: 1 };
  history.final.set('lost', { state: 'completed', purged: true, round: 1, ends, problems: [], recipients });
  const taken = [delivery('back', 'B', 'recalled')];
  const never = { ...ends, completed: 0 };
  history.final.set('back', {
    state: 'recalled',
    purged: true,
    round: 1,
    ends: never,
    problems: [],
    recipients: taken,
  });
  const deliveries = [{ deliveryId: 'd', systemId: 'B', outcome: 'recalled' as const }];
  history.recalls.push({ packetId: 'back', state: 'recalled', deliveries });
  const told = [
    ['delivery.rejected', 'lost', 'B'],
    ['delivery.undeliverable', 'lost', 'N'],
    ['packet.completed', 'lost'],
    ['packet.purged', 'lost'],
    ['packet.purged', 'back'],
  ];
  for (const [at, [type, packetId, to]] of told.entries()) {
    const of = to && `${packetId}-${to}1`;
    history.events.push({ system: 'C', offset: String(at + 1), id: `c${at}`, type, at: LATER, packetId, of });
  }
}

/** Of source D: one that N did not come for, turned down at first when its content went up again, and then took. */
function repeated(history: History): void {
  const asked = { source: 'D', to: ['N'], sha256: 'x', packetId: 'more', answered: true, deliverBy: DEADLINE };
  history.asked.set('key-more', { ...asked, again: [{ to: ['N'], begun: true }] });
  for (let times = 0; times < 2; times++) history.resent.push({ packetId: 'more', meant: 2, round: 2 });
  const first = { ...said('more', 'rejected', 'N', 2), retryable: true };
  const second = { ...said('more', 'accepted', 'N', 2), attempt: 2 };
  history.said.push(first, second);
  history.confirmed.push(
    { ...first, state: 'pending', receipt: 'r-1' },
    { ...second, state: 'accepted', receipt: 'r-2' },
  );
  history.final.set('more', {
    state: 'completed',
    purged: true,
    round: 2,
    ends: { completed: 2, purged: 2 },
    problems: [],
    recipients: [delivery('more', 'N', 'undeliverable'), { ...delivery('more', 'N', 'accepted', 2), attempt: 2 }],
  });
  const told: [type: string, of?: string, again?: boolean][] = [
    ['packet.accepted'],
    ['delivery.undeliverable', 'more-N1'],
    ['packet.completed'],
    ['packet.purged'],
    ['packet.accepted'],
    ['delivery.rejected', 'more-N2', true],
    ['delivery.accepted', 'more-N2'],
    ['packet.completed'],
    ['packet.purged'],
  ];
  for (const [at, [type, of, again]] of told.entries()) {
    const offset = String(at + 1);
    history.events.push({ system: 'D', offset, id: `d${at}`, type, at: LATER, packetId: 'more', of, again });
  }
}

const delivery = (packetId: string, systemId: string, state: string, round = 1) => ({
  deliveryId: `${packetId}-${systemId}${round}`,
  systemId,
  round,
  attempt: 1,
  state,
});

const said = (packetId: string, outcome: 'accepted' | 'rejected', destination = 'B', round = 1): Said => ({
  packetId,
  deliveryId: `${packetId}-${destination}${round}`,
  attempt: 1,
  destination,
  outcome,
  retryable: false,
});

/** The events of source D begin here. */
const OF_D = 11;

describe('The checker of histories', () => {
  it('finds nothing wrong where all is well', () => expect(violationsOf(good())).toEqual([]));

  it('counts the ends', () =>
    expect(outcomesOf(good())).toEqual({ accepted: 3, rejected: 1, undeliverable: 2, recalled: 1 }));

  it('counts what was sent again and what came again', () =>
    expect(repetitionsOf(good())).toEqual({ packets: 1, rounds: 1, attempts: 1 }));

  it.each<[string, (history: History) => unknown, RegExp]>([
    ['a packet that was acknowledged and is lost', (h) => h.final.delete('p1'), /p1: acknowledged, and lost/],
    ['one that never ends', (h) => (h.final.get('p1')!.state = 'scheduled'), /p1: acknowledged, and scheduled/],
    ['one without an outcome for a recipient', (h) => (h.final.get('p1')!.recipients = []), /p1: no delivery for B/],
    [
      'one with another outcome',
      (h) => (h.final.get('p1')!.recipients[0].state = 'undeliverable'),
      /undeliverable for B/,
    ],
    ['one that nobody confirmed', (h) => [h.confirmed, h.said].map((all) => all.splice(0, 2)), /p1: accepted for B/],
    [
      'an answer that did not hold',
      (h) => h.confirmed.push({ ...said('lost', 'accepted'), state: 'accepted', receipt: 'r' }),
      /lost: rejected for B/,
    ],
    ['one given up that had time', (h) => (h.asked.get('key-lost')!.deliverBy = undefined), /undeliverable for N/],
    [
      'one given up before its time',
      (h) => (h.asked.get('key-lost')!.deliverBy = '2026-11-21T00:00:12.000Z'),
      /lost: given up before its deadline/,
    ],
    [
      'one that nobody took back',
      (h) => (h.asked.get('key-back')!.recalled = false),
      /back: acknowledged, and recalled/,
    ],
    [
      'one that was delivered although it was taken back',
      (h) => {
        h.said.push(said('back', 'accepted'));
        h.final.get('back')!.recipients[0].state = 'accepted';
      },
      /back: recalled was answered, and B is accepted/,
    ],
    [
      'an outcome that is told twice',
      (h) => h.events.push({ ...h.events[7], offset: '6', id: 'c6' }),
      /lost: N is undeliverable, and its source was told "delivery.undeliverable,delivery.undeliverable"/,
    ],
    ['an outcome that is not told', (h) => (h.events[7].type = 'packet.status'), /and its source was told ""/],
    ['content that a look missed', (h) => h.misplaced.push('p1: its content is gone'), /p1: its content is gone/],
    [
      'one with two deliveries',
      (h) => h.final.get('p1')!.recipients.push(delivery('p1', 'B', 'accepted')),
      /accepted,accepted/,
    ],
    ['content that stays', (h) => (h.final.get('p2')!.purged = false), /p2: not purged/],
    ['content that is left in the store', (h) => h.contentLeft.push('p2'), /p2: content is left/],
    ['receipts that do not verify', (h) => h.final.get('p2')!.problems.push('bad'), /p2: bad/],
    ['a key with two packets', (h) => (h.repeated[0].packetId = 'p9'), /two packets, p1 and p9/],
    ['two keys with one packet', (h) => (h.asked.get('key-p3')!.packetId = 'p1'), /two keys have one packet/],
    ['other bytes', (h) => (h.fetched[0].sha256 = 'other'), /p1: B fetched other bytes/],
    ['two receipts of one confirmation', (h) => (h.confirmed[1].receipt = 'other'), /two receipts/],
    ['a gap', (h) => h.events.splice(1, 1), /a gap before offset 3/],
    [
      'a stream that does not begin at its beginning',
      (h) => h.events.splice(0, 1) && h.events.pop(),
      /its first offset is 2/,
    ],
    ['two events at one offset', (h) => (h.events.at(-1)!.id = 'other'), /two events at offset 1/],
    ['one event at two offsets', (h) => (h.events[3].id = 'e3'), /one event at two offsets/],
    [
      'a purge before its outcome',
      (h) => ([h.events[4].type, h.events[5].type] = ['packet.purged', 'packet.completed']),
      /p2: purged before its outcome/,
    ],
    [
      'a purge that the source was not told',
      (h) => (h.events[5].type = 'packet.status'),
      /p2: purged 1 times, and its source was told 0 times/,
    ],
    ['a round that never began', (h) => (h.final.get('more')!.round = 1), /more: in round 1, and 2 were meant/],
    [
      'a round that nobody meant to begin',
      (h) => (h.asked.get('key-more')!.again = []),
      /more: a delivery to N in round 2, which was not meant for it/,
    ],
    [
      'a second answer that tells of another round',
      (h) => (h.resent[1].round = 3),
      /more: round 2 was asked for, and round 3 answered/,
    ],
    ['a round without a delivery', (h) => h.final.get('more')!.recipients.pop(), /more: no delivery for N in round 2/],
    [
      'a round with two deliveries to one recipient',
      (h) => h.final.get('more')!.recipients.push(delivery('more', 'N', 'accepted', 2)),
      /more: accepted,accepted for N in round 2/,
    ],
    [
      'a later round that is given up and has no deadline',
      (h) => (h.final.get('more')!.recipients[1].state = 'undeliverable'),
      /more: undeliverable for N in round 2/,
    ],
    [
      'a rejection that was to come again and did not',
      (h) => {
        h.confirmed.pop();
        h.said.pop();
        h.final.get('more')!.recipients[1].state = 'rejected';
      },
      /more: rejected for N in round 2/,
    ],
    [
      'an attempt that is not told',
      (h) => (h.events[OF_D + 5].type = 'packet.status'),
      /more: 2 attempts at N, and its source was told of 0 that come again/,
    ],
    [
      'an outcome of a round before that changed',
      (h) => (h.final.get('more')!.recipients[0].state = 'accepted'),
      /more: accepted for N in round 1/,
    ],
    [
      'a round whose end is told twice',
      (h) => (h.events[OF_D + 5].type = 'packet.completed'),
      /more: completed 2 times, and its source was told 3 times/,
    ],
    [
      'a purge in a later round before its outcome',
      (h) => (h.events[OF_D + 5].type = 'packet.purged'),
      /more: purged before its outcome/,
    ],
    [
      'a round whose content was not looked at',
      (h) => (h.events[OF_D + 4].type = 'packet.status'),
      /more: purged before its outcome/,
    ],
    [
      'two receipts of one attempt',
      (h) => h.confirmed.push({ ...h.confirmed.at(-1)!, receipt: 'other' }),
      /more: .*attempt 2, has two receipts/,
    ],
  ])('finds %s', (_what, spoil, sentence) => {
    const history = good();
    spoil(history);
    expect(violationsOf(history).join('\n')).toMatch(sentence);
  });
});
