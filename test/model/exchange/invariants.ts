import {
  DELIVERY_TRANSITIONS,
  type DeliveryState,
  isFinal,
  PACKET_TRANSITIONS,
  type PacketState,
} from '@lienthong/contracts';
import { type Expected, type ExpectedPacket, isLive } from './expected';
import { hasContent, type World } from './world';

interface Entry {
  action: string;
  delivery: string | null;
  detail: Record<string, unknown> | null;
}

interface Stored {
  id: string;
  state: PacketState;
  round: number;
  purged: boolean;
  /** Recorded as purged before the intent, or without a final state. */
  early: boolean;
  deliveries: {
    id: string;
    systemId: string;
    round: number;
    state: DeliveryState;
    attempt: number;
    statuses: number;
  }[];
  entries: Entry[];
  told: { type: string; deliveryId: string | null; systemId: string }[];
  receipts: { event: string; deliveryId: string | null }[];
}

/** Everything about these packets at one moment: one statement sees one state. */
const STORED = `
  SELECT p.id, p.state, p.round, p.purged_at IS NOT NULL AS purged,
    p.purged_at IS NOT NULL AND (p.finished_at IS NULL OR p.purge_after IS NULL OR p.purge_after > p.purged_at) AS early,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'systemId', system_id, 'round', round, 'state', state, 'attempt', attempt,
        'statuses', (SELECT count(*) FROM statuses s WHERE s.delivery_id = d.id))), '[]') FROM deliveries d WHERE packet_id = p.id) AS deliveries,
    (SELECT jsonb_agg(jsonb_build_object('action', action, 'delivery', delivery_id, 'detail', detail) ORDER BY xid, id)
       FROM audit_entries WHERE packet_id = p.id) AS entries,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('type', type, 'deliveryId', delivery_id, 'systemId', system_id)), '[]')
       FROM events WHERE packet_id = p.id) AS told,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('event', event, 'deliveryId', delivery_id)), '[]')
       FROM receipts WHERE packet_id = p.id) AS receipts
  FROM packets p WHERE p.id = ANY($1)`;

/** What was last seen of each packet and delivery: nothing may go back from there. */
export type Seen = Map<string, string>;

/** S1–S7, S10, S13, S16: between any two commands, of every packet of this run. @returns a sentence for each violation */
export async function violations({ packets }: Expected, world: World, seen: Seen): Promise<string[]> {
  const ids = packets.map(({ packetId }) => packetId);
  const rows = await world.platform.sql<Stored>(STORED, [ids]);
  const found = new Set(ids).size < ids.length ? ['S2: two keys have one packet'] : [];
  for (const packet of packets) {
    const stored = rows.find(({ id }) => id === packet.packetId);
    const wrong = stored
      ? [
          ...unexpected(packet, stored, world),
          ...backwards(stored, seen),
          ...endings(stored, world),
          ...folded(stored),
          ...reports(stored),
        ]
      : ['S1: it is not there'];
    found.push(...wrong.map((sentence) => `packet ${packet.packetId}: ${sentence}`));
  }
  return found;
}

/** The platform is where the model is; only what it does by itself may be under way. */
function unexpected(packet: ExpectedPacket, { state, round, deliveries }: Stored, { destinations }: World): string[] {
  const found: string[] = [];
  const states: string[] = packet.state === 'sent' ? ['received', 'scheduled'] : [packet.state];
  if (!states.includes(state)) found.push(`S3: it is ${state}, expected ${states}`);
  if (round !== packet.round) found.push(`it is in round ${round}, expected ${packet.round}`);
  for (const expected of packet.deliveries) {
    const { systemId } = destinations[expected.destination];
    const name = `delivery to ${expected.destination} of round ${expected.round}`;
    const one = deliveries.find((other) => other.systemId === systemId && other.round === expected.round);
    // Planned with the analysis; what is taken back before it never is.
    if (!one && (state === 'received' || (state === 'recalled' && expected.state === 'recalled'))) continue;
    if (!one) found.push(`${name} is not there`);
    else if (one.state !== expected.state || one.attempt !== expected.attempt)
      found.push(
        `${name} is ${one.state} in attempt ${one.attempt}, expected ${expected.state} in ${expected.attempt}`,
      );
    else if (one.statuses !== expected.statuses) found.push(`S10: ${name} has ${one.statuses} statuses`);
  }
  if (deliveries.length > packet.deliveries.length) found.push('S18: a delivery that nobody asked for');
  return found;
}

/** S3: each stored change is along the table, though perhaps of several steps, or begins a round. */
function backwards({ id, state, round, deliveries }: Stored, seen: Seen): string[] {
  const found: string[] = [];
  const look = (key: string, now: string, table: Record<string, readonly string[]>) => {
    const before = seen.get(key) ?? now;
    if (!reachable(table, before).has(now)) found.push(`S3: ${before} → ${now}`);
    seen.set(key, now);
  };
  look(`${id} ${round}`, state, PACKET_TRANSITIONS);
  for (const one of deliveries) look(one.id, one.state, DELIVERY_TRANSITIONS);
  return found;
}

function reachable(table: Record<string, readonly string[]>, from: string): Set<string> {
  const all = new Set([from]);
  for (const state of all) for (const next of table[state]) all.add(next);
  return all;
}

/** S4, S6, S7. */
function endings({ id, state, round, purged, early, deliveries, entries }: Stored, world: World): string[] {
  const found: string[] = [];
  const isDone = deliveries.every((one) => isFinal(DELIVERY_TRANSITIONS, one.state));
  if (state === 'completed' && !isDone) found.push('S4: completed, and not every delivery is final');
  if (state === 'scheduled' && isDone) found.push('S4: every delivery is final, and it is not completed');
  const times = (action: string) => entries.filter((one) => one.action === action).length;
  const reopened = entries.filter(({ action, detail }) => action === 'packet.resent' && detail?.content === 'upload');
  if (times('packet.completed') > 1 + times('packet.resent')) found.push('S4: completed twice in a round');
  if (times('packet.purged') !== reopened.length + Number(purged)) found.push('S10: purged twice');
  if (early) found.push('S6: purged without an outcome and an intent before it');
  if (purged && hasContent(world, id, round)) found.push('S7: recorded as purged, and the content is there');
  return found;
}

/** S13: the audit log alone tells the state of the packet and of each delivery. */
function folded({ state, deliveries, entries }: Stored): string[] {
  let packet = 'nothing';
  const told = new Map<string, string>();
  for (const { action, delivery, detail } of entries) {
    const [of, what] = action.split('.');
    if (action === 'delivery.rejected') told.set(delivery!, detail?.retryAt ? 'pending' : 'rejected');
    else if (of === 'delivery' && what in DELIVERY_TRANSITIONS) told.set(delivery!, what);
    else if (action === 'packet.resent' && packet !== 'scheduled')
      packet = detail?.content === 'upload' ? 'open' : 'received';
    else if (of === 'packet' && what in PACKET_TRANSITIONS) packet = what;
  }
  return [
    ...(packet === state ? [] : [`S13: the audit log says ${packet}, it is ${state}`]),
    ...deliveries
      .filter((one) => (told.get(one.id) ?? 'pending') !== one.state)
      .map((one) => `S13: the audit log says ${told.get(one.id)} of a delivery that is ${one.state}`),
  ];
}

/** S16, L2: one report of what was given up, none of anything else; and a receipt of every outcome. */
function reports({ deliveries, told, receipts }: Stored): string[] {
  return deliveries.flatMap(({ id, state }) => {
    const n = told.filter(({ type, deliveryId }) => type === 'delivery.undeliverable' && deliveryId === id).length;
    const has = receipts.some(({ event, deliveryId }) => deliveryId === id && event === `delivery.${state}`);
    return [
      ...(n === Number(state === 'undeliverable') ? [] : [`S16: ${n} reports of a delivery that is ${state}`]),
      ...(['accepted', 'rejected', 'undeliverable'].includes(state) && !has ? [`L2: no receipt of ${state}`] : []),
    ];
  });
}

/** At the end of a run: the streams have no gap and tell of every outcome once (S20), no task is left over (L4), and all of it is sealed (L5). */
export async function endViolations(
  { packets }: Expected,
  { platform, source, destinations, stranger }: World,
): Promise<string[]> {
  const ids = packets.map(({ packetId }) => packetId);
  const gaps = await platform.sql<{ system: string }>(
    `SELECT system_id AS system FROM events WHERE "offset" IS NOT NULL AND system_id = ANY($1) GROUP BY system_id
     HAVING max("offset") <> count(*) OR count(DISTINCT "offset") <> count(*)`,
    [[source, stranger, ...destinations].map(({ systemId }) => systemId)],
  );
  const untold = await platform.sql<{ id: string }>(
    `SELECT d.id FROM deliveries d WHERE packet_id = ANY($1) AND state IN ('accepted', 'rejected', 'undeliverable')
       AND 1 <> (SELECT count(*) FROM events e WHERE e.system_id = $2 AND e.delivery_id = d.id AND e.type = 'delivery.' || d.state
                   AND e."offset" IS NOT NULL AND (d.state <> 'rejected' OR NOT e.data ? 'retryAt'))`,
    [ids, source.systemId],
  );
  const [{ late }] = await platform.sql<{ late: string }>(
    `SELECT count(*) AS late FROM outbox WHERE packet_id = ANY($1) AND available_at < now() - interval '5 s'`,
    [ids],
  );
  const [{ unsealed }] = await platform.sql<{ unsealed: string }>(
    `SELECT count(*) AS unsealed FROM audit_entries e WHERE packet_id = ANY($1)
       AND NOT EXISTS (SELECT 1 FROM audit_leaves l WHERE l.entry_id = e.id AND l.entry_at = e.at)`,
    [ids],
  );
  const dead = await platform.sql<{ reason: string }>('SELECT reason FROM dead_tasks WHERE packet_id = ANY($1)', [ids]);
  return [
    ...gaps.map(({ system }) => `S20: a gap in the stream of ${system}`),
    ...untold.map(({ id }) => `S20: the end of delivery ${id} was not told once`),
    ...(late === '0' ? [] : [`L4: ${late} tasks are late in the outbox`]),
    ...(unsealed === '0' ? [] : [`L5: ${unsealed} entries of the audit log are not sealed`]),
    ...dead.map(({ reason }) => `a dead task: ${reason}`),
    ...packets
      .filter(({ deliveries }) => deliveries.some(isLive))
      .map(({ packetId }) => `L1: ${packetId} has no outcome`),
  ];
}
