import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AsyncCommand } from 'fast-check';
import { eventually } from '../../support/eventually';
import { type Party, type Platform, startStandalone } from '../../support/platform';
import type { Expected, ExpectedPacket } from './expected';

/** The platform under test, and who uses it. */
export interface World {
  platform: Platform;
  source: Party;
  destinations: Party[];
  stranger: Party;
  /** How often the platform may still be killed in this run: a start takes seconds. */
  killsLeft: number;
  /** Looks at every invariant; after each command. */
  look: (expected: Expected) => Promise<void>;
}

/** Everything that the platform does by itself it does within a second or two. */
const QUICK = {
  SWEEP_QUIET_SECONDS: '1',
  DEADLINE_WATCH_SECONDS: '1',
  REJECTION_RETRY_SECONDS: '1',
  REJECTION_ATTEMPTS: '3',
  AUDIT_SEAL_SECONDS: '1',
};
export const REJECTION_ATTEMPTS = 3;

export async function startWorld(): Promise<World> {
  const platform = await startStandalone(QUICK);
  const source = await platform.makeParty();
  const destinations = [await platform.makeParty(), await platform.makeParty()];
  return {
    platform,
    source,
    destinations,
    stranger: await platform.makeParty(),
    killsLeft: 0,
    look: async () => undefined,
  };
}

export type Command = AsyncCommand<Expected, World>;

/** A step of the model: what must be so before it, and what it does to both. */
export const command = (
  name: string,
  check: (expected: Expected) => boolean,
  run: (expected: Expected, world: World) => Promise<void>,
): Command => ({
  check,
  run: async (expected, world) => {
    expected.commands += 1;
    await run(expected, world);
    await world.look(expected);
  },
  toString: () => name,
});

/** One of what there is, the newest for 0. */
export const pick = <T>(all: T[], n: number): T => all[all.length - 1 - (n % all.length)];

/** @returns the code of the problem that this was answered with */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'nothing: it was done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
}

/** Until the analysis is over. */
export const scheduled = ({ platform }: World, { packetId }: ExpectedPacket): Promise<unknown> =>
  eventually(async () => {
    const [{ state }] = await platform.sql<{ state: string }>('SELECT state FROM packets WHERE id = $1', [packetId]);
    return state !== 'received';
  });

/** The id of the newest delivery to a destination, once its time has come. */
export const deliveryOf = (
  { platform, destinations }: World,
  { packetId }: ExpectedPacket,
  destination: number,
): Promise<string> =>
  eventually(async () => {
    const [row] = await platform.sql<{ id: string; due: boolean }>(
      `SELECT id, available_at <= now() AS due FROM deliveries WHERE packet_id = $1 AND system_id = $2 ORDER BY round DESC LIMIT 1`,
      [packetId, destinations[destination].systemId],
    );
    return row?.due && row.id;
  });

/** Whether anything of the packet lies in the store, of whichever round. */
export const hasContent = ({ platform }: World, packetId: string): boolean => {
  const folder = join(platform.standalone!.folder, 'content', 'packets');
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(packetId));
};
