import type { DeliveryRow, PacketRow } from '../exchange/rows';
import { pointsOf } from './deadline.store';
import { nextWarning } from './next-warning';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 21) + seconds * 1000);
const packet = (warnAt: number[], deliverAfter?: Date) =>
  ({ policy: { warnAt, ...(deliverAfter ? { deliverAfter: deliverAfter.toISOString() } : {}) } }) as PacketRow;
const delivery = (over: Partial<DeliveryRow> = {}) =>
  ({ createdAt: at(0), deliverBy: at(1000), warnAt: null, ...over }) as DeliveryRow;

describe('the warnings of a delivery', () => {
  it('come at their fractions of the time, in order, the first after the present', () => {
    const points = [0.8, 0.5];
    expect(nextWarning(points, at(0), at(1000))).toEqual({ at: at(500), fraction: 0.5 });
    expect(nextWarning(points, at(0), at(1000), at(500))).toEqual({ at: at(800), fraction: 0.8 });
    expect(nextWarning(points, at(0), at(1000), at(800))).toBeUndefined();
  });

  it('are none at the beginning and at the end', () => {
    expect(nextWarning([0, 1], at(0), at(1000))).toBeUndefined();
    expect(nextWarning([], at(0), at(1000))).toBeUndefined();
  });

  it('that were missed while nobody looked are one: the last of them', () => {
    const { passed, next } = pointsOf(packet([0.2, 0.5, 0.8]), delivery({ warnAt: at(200) }), at(600));
    expect([passed, next?.fraction]).toEqual([0.5, 0.8]);
  });

  it('do not come twice when a clock goes back, and count from deliverAfter where there is one', () => {
    expect(pointsOf(packet([0.5, 0.8]), delivery({ warnAt: at(500) }), at(500)).next?.fraction).toBe(0.8);
    const later = pointsOf(packet([0.5], at(500)), delivery(), at(600));
    expect(later).toEqual({ passed: undefined, next: { at: at(750), fraction: 0.5 } });
  });

  it('move with the deadline', () => {
    const { next } = pointsOf(packet([0.5]), delivery({ deliverBy: at(4000) }), at(900));
    expect(next).toEqual({ at: at(2000), fraction: 0.5 });
  });
});
