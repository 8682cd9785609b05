import { violationsOf } from './check-history';
import { type History, newHistory, outcomesOf } from './history';

const DEADLINE = '2026-11-21T00:00:10.000Z';
const LATER = '2026-11-21T00:00:11.000Z';

/** Two packets of one source to one destination, as it should be; then what is not delivered, with its own events of another source. */
function good(): History {
  const history = newHistory();
  for (const [index, packetId] of ['p1', 'p2'].entries()) {
    const end = { packetId, destination: 'B', outcome: 'accepted' as const };
    history.said.push(end);
    history.asked.set(`key-${packetId}`, { source: 'A', to: ['B'], sha256: packetId, packetId, answered: true });
    history.fetched.push({ packetId, destination: 'B', sha256: packetId });
    history.confirmed.push({ ...end, receipt: `r-${packetId}` });
    history.confirmed.push({ ...end, receipt: `r-${packetId}` });
    for (const [at, type] of ['delivery.accepted', 'packet.completed', 'packet.purged'].entries()) {
      const offset = String(1 + index * 3 + at);
      const of = at === 0 ? 'B' : undefined;
      history.events.push({ system: 'A', offset, id: `e${offset}`, type, at: LATER, packetId, of });
    }
    history.final.set(packetId, {
      state: 'completed',
      purged: true,
      recipients: [{ systemId: 'B', state: 'accepted' }],
      problems: [],
    });
    history.repeated.push({ key: `key-${packetId}`, packetId });
  }
  undelivered(history);
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
  history.said.push({ packetId: 'lost', destination: 'B', outcome: 'rejected' });
  const states = { B: 'rejected', N: 'undeliverable' };
  const recipients = Object.entries(states).map(([systemId, state]) => ({ systemId, state }));
  history.final.set('lost', { state: 'completed', purged: true, problems: [], recipients });
  const taken = [{ systemId: 'B', state: 'recalled' }];
  history.final.set('back', { state: 'recalled', purged: true, problems: [], recipients: taken });
  const deliveries = [{ deliveryId: 'd', systemId: 'B', outcome: 'recalled' as const }];
  history.recalls.push({ packetId: 'back', state: 'recalled', deliveries });
  const told = [
    ['delivery.rejected', 'lost', 'B'],
    ['delivery.undeliverable', 'lost', 'N'],
    ['packet.completed', 'lost'],
    ['packet.purged', 'lost'],
    ['packet.purged', 'back'],
  ];
  for (const [at, [type, packetId, of]] of told.entries())
    history.events.push({ system: 'C', offset: String(at + 1), id: `c${at}`, type, at: LATER, packetId, of });
}

describe('The checker of histories', () => {
  it('finds nothing wrong where all is well', () => expect(violationsOf(good())).toEqual([]));

  it('counts the ends', () =>
    expect(outcomesOf(good())).toEqual({ accepted: 2, rejected: 1, undeliverable: 1, recalled: 1 }));

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
      (h) => h.confirmed.push({ packetId: 'lost', destination: 'B', outcome: 'accepted', receipt: 'r' }),
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
        h.said.push({ packetId: 'back', destination: 'B', outcome: 'accepted' });
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
      (h) => h.final.get('p1')!.recipients.push({ systemId: 'B', state: 'accepted' }),
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
    ['two events at one offset', (h) => (h.events[11].id = 'other'), /two events at offset 1/],
    ['one event at two offsets', (h) => (h.events[3].id = 'e3'), /one event at two offsets/],
    [
      'a purge before its outcome',
      (h) => ([h.events[4].type, h.events[5].type] = ['packet.purged', 'packet.completed']),
      /p2: purged before its outcome/,
    ],
    ['an end that the source was not told', (h) => (h.events[5].type = 'packet.status'), /p2: its source was not told/],
  ])('finds %s', (_what, spoil, sentence) => {
    const history = good();
    spoil(history);
    expect(violationsOf(history).join('\n')).toMatch(sentence);
  });
});
