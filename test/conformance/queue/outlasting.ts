import type { Queue } from '@lienthong/queue';
import { Gate, KIND, newTask, readyOf, sendAll, until } from './bench';

/**
 * A handler that does not return as long as its server waits for one (RabbitMQ `consumer_timeout`, 30 min; pg-boss `expireInSeconds`, 15 min): its task comes
 * again, others go on beside it, and what it says in the end harms nobody.
 * @param hurry between sending and consuming: the server is to wait for a second or so
 */
export async function outlasting(queue: Queue, hurry: (taskId: string) => Promise<unknown>): Promise<void> {
  const [stuck, neighbour] = [newTask(), newTask()];
  const begun: string[] = [];
  const door = new Gate();
  let returned = false;
  await sendAll(queue, [stuck]);
  await hurry(stuck.id);
  const began = Date.now();
  const consumption = await queue.consume(KIND, async ({ id }) => {
    begun.push(id);
    if (begun.length > 1) return 'done';
    await door.pass;
    returned = true;
    return 'done';
  });
  await until('it comes again', () => begun.length === 2, 30_000);
  console.info(`a handler outlasts its server: the task comes again after ${Date.now() - began} ms`);
  await sendAll(queue, [neighbour]);
  await until('its neighbour is handled', () => begun.length === 3);
  door.open();
  await until('the first has returned', () => returned);
  await until('nothing is left', async () => (await readyOf(queue, KIND)) === 0);
  expect(consumption.attached()).toBe(true);
  expect(begun).toEqual([stuck.id, stuck.id, neighbour.id]);
  await consumption.stop(1000);
}
