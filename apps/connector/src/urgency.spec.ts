import { urgencyOf } from './urgency';

describe('urgencyOf', () => {
  it.each([
    ['POST', '/v1/packets', 'new'],
    ['POST', '/v1/packets/0190/complete', 'rest'],
    ['PUT', '/storage/packets/0190/0', 'rest'],
    ['GET', '/storage/packets/0190/0', 'rest'],
    ['GET', '/v1/deliveries', 'rest'],
    ['GET', '/v1/events', 'rest'],
    ['POST', '/v1/deliveries/0190/confirm', 'rest'],
    ['GET', '/v1/packets', 'reading'],
    ['GET', '/v1/packets/0190', 'reading'],
  ])('%s %s is %s: only what has not begun may be refused', (method, path, urgency) => {
    expect(urgencyOf({ method, path })).toBe(urgency);
  });
});
