import { PRIORITIES } from '@lienthong/contracts';
import { mostServedBefore, SHARES } from '@lienthong/queue';
import { Gate, newTasks, sendAll, until } from './bench';
import { type Rig, Stage } from './stage';

const HIGHER = PRIORITIES.filter((priority) => priority !== 'normal');
const SLOTS = Object.values(SHARES).reduce((sum, share) => sum + share, 0);
const ROUNDS = 5;

/** S24: the importance of a packet changes the order, and the lowest class waits no longer than is stated. */
export function starvation(rig: () => Rig): void {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage(rig());
  });
  afterEach(() => stage.clear());

  it('serves the lowest class to the last task while no task of a higher class ends', async () => {
    const queue = await stage.open();
    for (const priority of HIGHER) await sendAll(queue, newTasks(2 * SHARES[priority], priority));
    const door = new Gate();
    let held = 0;
    let served = 0;
    await stage.consume(queue, async ({ priority }) => {
      if (priority === 'normal') served++;
      else {
        held++;
        await door.pass;
      }
      return 'done';
    });
    await until('the higher classes fill their slots', () => held === SLOTS - SHARES.normal);
    await sendAll(queue, newTasks(100, 'normal'));
    await until('every task of the lowest class is served', () => served === 100);
    expect(held).toBe(SLOTS - SHARES.normal);
    door.open();
  });

  it('begins a task of the lowest class before more of the higher ones have ended than mostServedBefore says', async () => {
    const queue = await stage.open();
    for (const priority of HIGHER) await sendAll(queue, newTasks(SHARES[priority] * (ROUNDS + 1), priority));
    await sendAll(queue, newTasks(SHARES.normal * ROUNDS, 'normal'));
    let doors: Gate[] = [];
    let ended = 0;
    const endedBefore: number[] = [];
    await stage.consume(queue, async ({ priority }) => {
      if (priority === 'normal') endedBefore.push(ended);
      const door = new Gate();
      doors.push(door);
      await door.pass;
      if (priority !== 'normal') ended++;
      return 'done';
    });
    // All tasks take equally long: those of a round end together.
    for (let round = 1; round <= ROUNDS; round++) {
      await until(`every slot is taken in round ${round}`, () => doors.length === SLOTS);
      const those = doors;
      doors = [];
      for (const door of those) door.open();
    }
    await until('the last round of the higher classes runs', () => doors.length === SLOTS - SHARES.normal);
    expect(endedBefore).toHaveLength(SHARES.normal * ROUNDS);
    const beyond = endedBefore.filter((others, ahead) => others > mostServedBefore('normal', ahead));
    expect(beyond).toEqual([]);
    expect(ended).toBe(ROUNDS * (SLOTS - SHARES.normal));
    for (const door of doors) door.open();
  });
}
