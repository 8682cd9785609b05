import { setTimeout as sleep } from 'node:timers/promises';
import { outageOf } from './http/outage';
import type { Log } from './log';
import { BootError, reasonOf } from './process';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;

/**
 * For a `main.ts`, before it boots: waits for the servers that the process cannot start without, since after a power cut all machines start at once and
 * in no order. Only for what passes (refused, timed out, starting up): a mistake in the settings, such as a wrong password, is left to the start itself, which says it at once.
 * @param servers a look at each: resolves when it answers
 * @throws BootError in one sentence when one has not answered within STARTUP_WAIT_SECONDS
 */
export async function awaitServers(
  servers: Record<string, () => Promise<unknown>>,
  { STARTUP_WAIT_SECONDS }: { STARTUP_WAIT_SECONDS: number },
  log: Pick<Log, 'warn' | 'info'>,
): Promise<void> {
  const deadline = Date.now() + STARTUP_WAIT_SECONDS * 1000;
  for (const [server, look] of Object.entries(servers)) {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const reason = await reasonOfOutage(look);
      if (reason === undefined) {
        if (pause > FIRST_PAUSE_MS) log.info({ server }, `${server} answers`);
        break;
      }
      if (Date.now() + pause > deadline)
        throw new BootError(
          `No use of the ${server} within ${STARTUP_WAIT_SECONDS} s (${reason}). Start it, or correct its address; STARTUP_WAIT_SECONDS says how long to wait.`,
        );
      log.warn({ server, reason }, `waiting for the ${server}`);
      await sleep(pause);
    }
  }
}

async function reasonOfOutage(look: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await look();
    return undefined;
  } catch (error) {
    return outageOf(error) && reasonOf(error);
  }
}
