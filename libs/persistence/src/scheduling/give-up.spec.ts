import type { DeliveryHistory, DeliveryState } from '@lienthong/contracts';
import { reasonOf } from './give-up';

const NEVER = { count: 0, first: null, last: null };
const history = (over: Partial<DeliveryHistory> = {}): DeliveryHistory => ({
  announcements: NEVER,
  connections: NEVER,
  polledAt: null,
  fetches: NEVER,
  rejections: NEVER,
  mismatches: NEVER,
  ...over,
});
const delivery = (state: DeliveryState, over: { attempt?: number; noRoute?: boolean } = {}) => ({
  state,
  attempt: 1,
  noRoute: false,
  history: history(),
  ...over,
});
const ONCE = { count: 1, first: '2026-11-21T00:00:00.000Z', last: '2026-11-21T00:00:00.000Z' };

describe('the reason of a delivery that is given up', () => {
  it('is how far it came, and whether its system was seen', () => {
    expect(reasonOf(delivery('pending'))).toBe('never_online');
    expect(reasonOf({ ...delivery('pending'), history: history({ connections: ONCE }) })).toBe('online_not_fetched');
    expect(reasonOf({ ...delivery('pending'), history: history({ polledAt: ONCE.last }) })).toBe('online_not_fetched');
    expect(reasonOf(delivery('notified'))).toBe('online_not_fetched');
    expect(reasonOf(delivery('ready'))).toBe('fetched_not_confirmed');
  });

  it('is its rejection, where a further attempt was not taken, and the way, where there is none any more', () => {
    expect(reasonOf(delivery('pending', { attempt: 2 }))).toBe('rejected');
    expect(reasonOf(delivery('pending', { noRoute: true }))).toBe('no_route');
    expect(reasonOf(delivery('notified', { attempt: 2, noRoute: true }))).toBe('no_route');
    expect(reasonOf(delivery('ready', { attempt: 2, noRoute: true }))).toBe('fetched_not_confirmed');
  });
});
