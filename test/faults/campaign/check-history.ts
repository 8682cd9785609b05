import type { Asked, History } from './history';

/** Of the destinations' ends, told to the source. */
const TELLING = ['delivery.accepted', 'delivery.rejected', 'delivery.undeliverable'];

/**
 * What must hold whatever failed (reliability 8: P1–P10): judged from what clients saw.
 * @returns a sentence for each violation
 */
export function violationsOf(history: History): string[] {
  return [
    ...everyAcknowledgedPacketHasOneOutcome(history),
    ...whatIsTakenBackStaysSo(history),
    ...everyOutcomeIsToldOnce(history),
    ...everyKeyHasOnePacket(history),
    ...whatIsFetchedIsWhatWasSent(history),
    ...theSameConfirmationHasTheSameReceipt(history),
    ...everyStreamIsWithoutGaps(history),
    ...nothingIsPurgedBeforeItsOutcome(history),
    ...history.misplaced,
    ...history.contentLeft.map((packetId) => `${packetId}: content is left`),
  ];
}

function everyAcknowledgedPacketHasOneOutcome(history: History): string[] {
  const said = bySystem(history.said);
  const answers = bySystem(history.confirmed);
  return acknowledged(history).flatMap(([packetId, asked]) => {
    const packet = history.final.get(packetId);
    if (!packet) return [`${packetId}: acknowledged, and lost`];
    const found = packet.problems.map((problem) => `${packetId}: ${problem}`);
    const isTakenBack = packet.state === 'recalled' && asked.recalled === true;
    if (packet.state !== 'completed' && !isTakenBack)
      found.push(`${packetId}: acknowledged, and ${packet.state} in the end`);
    if (!packet.purged) found.push(`${packetId}: not purged`);
    for (const systemId of asked.to) {
      const states = packet.recipients.filter((one) => one.systemId === systemId).map(({ state }) => state);
      const name = `${packetId} ${systemId}`;
      // What a destination was answered is so. Without an answer what it said may be on record or not, and the other clients' acts may have come first.
      const allowed = answers.get(name) ?? [
        ...(said.get(name) ?? []),
        ...(asked.deliverBy ? ['undeliverable'] : []),
        // What is taken back before it was planned has no delivery.
        ...(isTakenBack ? ['recalled', ''] : []),
      ];
      if (!allowed.includes(states.join()))
        found.push(`${packetId}: ${states.join() || 'no delivery'} for ${systemId}`);
    }
    return found;
  });
}

const acknowledged = ({ asked }: History): [packetId: string, Asked][] =>
  [...asked.values()].flatMap((one): [string, Asked][] => (one.answered && one.packetId ? [[one.packetId, one]] : []));

function bySystem(outcomes: { packetId: string; destination: string; outcome: string }[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { packetId, destination, outcome } of outcomes) {
    const name = `${packetId} ${destination}`;
    found.set(name, [...(found.get(name) ?? []), outcome]);
  }
  return found;
}

/** What the answer to a recall says of each delivery is how it ends: after it nothing is open. */
function whatIsTakenBackStaysSo({ recalls, final }: History): string[] {
  const ends: Record<string, string[]> = {
    recalled: ['recalled'],
    recallRequested: ['accepted'],
    alreadyFinal: ['rejected', 'undeliverable'],
  };
  return recalls.flatMap(({ packetId, deliveries }) =>
    deliveries.flatMap(({ systemId, outcome }) => {
      const state = final.get(packetId)?.recipients.find((one) => one.systemId === systemId)?.state ?? 'gone';
      return ends[outcome].includes(state) ? [] : [`${packetId}: ${outcome} was answered, and ${systemId} is ${state}`];
    }),
  );
}

/** One event at the source for each outcome that is not its own act; what is given up is so after its deadline (P6, S16). */
function everyOutcomeIsToldOnce(history: History): string[] {
  const told = new Map<string, Map<string, { type: string; at: string }>>();
  for (const { system, packetId, of, type, id, at } of history.events) {
    if (!TELLING.includes(type)) continue;
    const name = `${system} ${packetId} ${of}`;
    told.set(name, (told.get(name) ?? new Map<string, { type: string; at: string }>()).set(id, { type, at }));
  }
  return acknowledged(history).flatMap(([packetId, { source, deliverBy }]) =>
    (history.final.get(packetId)?.recipients ?? []).flatMap(({ systemId, state }) => {
      const events = [...(told.get(`${source} ${packetId} ${systemId}`)?.values() ?? [])];
      const expected = TELLING.includes(`delivery.${state}`) ? `delivery.${state}` : '';
      const types = events.map(({ type }) => type).join();
      const early = events.some(({ type, at }) => type === 'delivery.undeliverable' && deliverBy && at < deliverBy);
      return [
        ...(types === expected ? [] : [`${packetId}: ${systemId} is ${state}, and its source was told "${types}"`]),
        ...(early ? [`${packetId}: given up before its deadline`] : []),
      ];
    }),
  );
}

function everyKeyHasOnePacket({ asked, repeated }: History): string[] {
  const found = repeated
    .filter(({ key, packetId }) => asked.get(key)?.packetId !== undefined && asked.get(key)?.packetId !== packetId)
    .map(({ key, packetId }) => `${key}: two packets, ${asked.get(key)?.packetId} and ${packetId}`);
  const packets = [...asked.values()].flatMap(({ packetId }) => packetId ?? []);
  return new Set(packets).size < packets.length ? [...found, 'two keys have one packet'] : found;
}

function whatIsFetchedIsWhatWasSent({ asked, fetched }: History): string[] {
  const sent = new Map([...asked.values()].map(({ packetId, sha256 }) => [packetId, sha256]));
  return fetched
    .filter(({ packetId, sha256 }) => sent.get(packetId) !== sha256)
    .map(({ packetId, destination }) => `${packetId}: ${destination} fetched other bytes than were sent`);
}

function theSameConfirmationHasTheSameReceipt({ confirmed }: History): string[] {
  const first = new Map<string, string>();
  return confirmed.flatMap(({ packetId, destination, receipt }) => {
    const name = `${packetId}: confirmation of ${destination}`;
    if ((first.get(name) ?? receipt) !== receipt) return [`${name} has two receipts`];
    first.set(name, receipt);
    return [];
  });
}

function everyStreamIsWithoutGaps({ events }: History): string[] {
  const streams = new Map<string, Map<number, string>>();
  const found: string[] = [];
  for (const { system, offset, id } of events) {
    const stream = streams.get(system) ?? new Map<number, string>();
    streams.set(system, stream);
    const known = stream.get(Number(offset));
    if (known !== undefined && known !== id) found.push(`${system}: two events at offset ${offset}`);
    stream.set(Number(offset), id);
  }
  for (const [system, stream] of streams) {
    const offsets = [...stream.keys()].toSorted((a, b) => a - b);
    const gap = offsets.find((offset, index) => offset !== offsets[0] + index);
    if (offsets[0] !== 1) found.push(`${system}: its first offset is ${offsets[0]}`);
    if (gap !== undefined) found.push(`${system}: a gap before offset ${gap}`);
    const ids = [...stream.values()];
    if (new Set(ids).size < ids.length) found.push(`${system}: one event at two offsets`);
  }
  return found;
}

function nothingIsPurgedBeforeItsOutcome(history: History): string[] {
  const purged = new Map<string, number>();
  const ended = new Map<string, number>();
  const noted = (times: Map<string, number>, name: string, offset: number) =>
    times.set(name, Math.max(times.get(name) ?? 0, offset));
  for (const { system, type, packetId, offset } of history.events) {
    const name = `${system} ${packetId}`;
    if (type === 'packet.purged') noted(purged, name, Number(offset));
    if (type === 'packet.completed' || TELLING.includes(type)) noted(ended, name, Number(offset));
  }
  const completed = new Set(
    history.events.flatMap(({ type, system, packetId }) =>
      type === 'packet.completed' ? `${system} ${packetId}` : [],
    ),
  );
  return acknowledged(history).flatMap(([packetId, { source }]) => {
    const name = `${source} ${packetId}`;
    const at = purged.get(name);
    // A recall is its source's own act: nobody tells it.
    const isTold = completed.has(name) || history.final.get(packetId)?.state === 'recalled';
    if (at === undefined || !isTold) return [`${packetId}: its source was not told of its end`];
    return at < (ended.get(name) ?? 0) ? [`${packetId}: purged before its outcome`] : [];
  });
}
