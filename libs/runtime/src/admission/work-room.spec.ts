import { WorkRoom } from './work-room';

/** A window in which `n` requests were under way at a time and took `ms` each. */
function window(room: WorkRoom, n: number, ms: number): void {
  for (let i = 0; i < n; i++) room.enter();
  for (let i = 0; i < n; i++) room.leave(ms);
  room.adjust();
}

describe('work room', () => {
  it('grows while work is done in time and fills it, and shrinks when it is not, but never below twenty-four', () => {
    const room = new WorkRoom(500);
    const { limit } = room;
    window(room, limit, 100);
    expect(room.limit).toBe(limit + 2);
    window(room, room.limit, 900);
    expect(room.limit).toBe(Math.max(24, Math.floor((limit + 2) * 0.7)));
    for (let i = 0; i < 20; i++) window(room, 10, 900);
    expect(room.limit).toBe(24);
  });

  it('does not grow while it is not used up: what nobody asked for is not known to be possible', () => {
    const room = new WorkRoom(500);
    const { limit } = room;
    for (let i = 0; i < 20; i++) window(room, 6, 50);
    expect(room.limit).toBe(limit);
  });

  it('takes work that is slow by itself for what it is, not for too much of it', () => {
    const room = new WorkRoom(500);
    const { limit } = room;
    for (let i = 0; i < 20; i++) window(room, 10, 3000);
    expect(room.limit).toBe(limit);
  });

  it('learns nothing from what failed, nor from a handful of answers', () => {
    const room = new WorkRoom(500);
    const { limit } = room;
    for (let i = 0; i < 10; i++) {
      room.enter();
      room.leave();
    }
    window(room, 4, 5000);
    expect(room.limit).toBe(limit);
    expect(room.underWay).toBe(0);
  });
});
