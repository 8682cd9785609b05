import { DELIVERY_TRANSITIONS, PACKET_TRANSITIONS, isFinal, sourcesOf } from './states';

describe('states', () => {
  const reachable = (transitions: Record<string, readonly string[]>, from: string) => {
    const seen = new Set([from]);
    for (const state of seen) for (const next of transitions[state]) seen.add(next);
    return seen;
  };

  it('reaches every state of a packet from open, and every state of a delivery from pending', () => {
    expect([...reachable(PACKET_TRANSITIONS, 'open')].toSorted()).toEqual(Object.keys(PACKET_TRANSITIONS).toSorted());
    expect([...reachable(DELIVERY_TRANSITIONS, 'pending')].toSorted()).toEqual(
      Object.keys(DELIVERY_TRANSITIONS).toSorted(),
    );
  });

  it.each(Object.keys(PACKET_TRANSITIONS))('can finish from the packet state %s', (state) => {
    const ends = [...reachable(PACKET_TRANSITIONS, state)].filter((end) => isFinal(PACKET_TRANSITIONS, end));
    expect(ends.length).toBeGreaterThan(0);
  });

  it('goes backwards only from ready and notified to pending', () => {
    expect(sourcesOf(DELIVERY_TRANSITIONS, 'pending')).toEqual(['notified', 'ready']);
    expect(sourcesOf(PACKET_TRANSITIONS, 'open')).toEqual([]);
  });
});
