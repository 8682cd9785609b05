import { violationsOf } from './check-history';
import { type History, newHistory } from './history';

/** Two packets of one source to one destination, as it should be. */
function good(): History {
  const history = newHistory();
  for (const [index, packetId] of ['p1', 'p2'].entries()) {
    history.asked.set(`key-${packetId}`, { source: 'A', to: ['B'], sha256: packetId, packetId, answered: true });
    history.fetched.push({ packetId, destination: 'B', sha256: packetId });
    history.confirmed.push({ packetId, destination: 'B', receipt: `r-${packetId}` });
    history.confirmed.push({ packetId, destination: 'B', receipt: `r-${packetId}` });
    for (const [at, type] of ['packet.completed', 'packet.purged'].entries()) {
      const offset = String(1 + index * 2 + at);
      history.events.push({ system: 'A', offset, id: `e${offset}`, type, packetId });
    }
    history.final.set(packetId, {
      state: 'completed',
      purged: true,
      recipients: [{ systemId: 'B', state: 'accepted' }],
      problems: [],
    });
    history.repeated.push({ key: `key-${packetId}`, packetId });
  }
  // Came twice, and was never answered: both may be.
  history.events.push({ ...history.events[0] });
  history.asked.set('key-p3', { source: 'A', to: ['B'], sha256: 'x', answered: false });
  return history;
}

describe('The checker of histories', () => {
  it('finds nothing wrong where all is well', () => expect(violationsOf(good())).toEqual([]));

  it.each<[string, (history: History) => unknown, RegExp]>([
    ['a packet that was acknowledged and is lost', (h) => h.final.delete('p1'), /p1: acknowledged, and lost/],
    ['one that never ends', (h) => (h.final.get('p1')!.state = 'scheduled'), /p1: acknowledged, and scheduled/],
    ['one without an outcome for a recipient', (h) => (h.final.get('p1')!.recipients = []), /p1: no delivery for B/],
    [
      'one with another outcome',
      (h) => (h.final.get('p1')!.recipients[0].state = 'undeliverable'),
      /undeliverable for B/,
    ],
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
    ['two events at one offset', (h) => (h.events[4].id = 'other'), /two events at offset 1/],
    ['one event at two offsets', (h) => (h.events[3].id = 'e3'), /one event at two offsets/],
    [
      'a purge before its outcome',
      (h) => ([h.events[2].type, h.events[3].type] = ['packet.purged', 'packet.completed']),
      /p2: purged before its outcome/,
    ],
    ['an end that the source was not told', (h) => (h.events[3].type = 'packet.status'), /p2: its source was not told/],
  ])('finds %s', (_what, spoil, sentence) => {
    const history = good();
    spoil(history);
    expect(violationsOf(history).join('\n')).toMatch(sentence);
  });
});
