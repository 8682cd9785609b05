import type { AsyncCommand } from 'fast-check';
import { eventually } from '../../support/eventually';
import type { Party, Platform } from '../../support/platform';
import type { Expected, ExpectedPacket } from './expected';
import { hasFiles, openSite, type Site } from './site';

/** The platform under test, and who uses it. */
export interface World {
  site: Site;
  platform: Platform;
  source: Party;
  destinations: Party[];
  stranger: Party;
  /** How often the platform may still be killed in this run: a start takes seconds. */
  killsLeft: number;
  /** How often a key may be revoked yet: it is waited for. */
  revocationsLeft: number;
  /** Looks at every invariant; after each command. */
  look: (expected: Expected) => Promise<void>;
}

export async function startWorld(): Promise<World> {
  const site = await openSite();
  const { platform } = site;
  const source = await platform.makeParty();
  const destinations = [await platform.makeParty(), await platform.makeParty()];
  return {
    site,
    platform,
    source,
    destinations,
    stranger: await platform.makeParty(),
    killsLeft: 0,
    revocationsLeft: 1,
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
export const hasContent = ({ site }: World, packetId: string, round: number): boolean =>
  Array.from({ length: round }, (_, n) => (n === 0 ? packetId : `${packetId}-${n + 1}`)).some((place) =>
    hasFiles(site, `packets/${place}`),
  );
