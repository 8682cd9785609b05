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
    ...everyRoundHasOneOutcomeForEachRecipient(history),
    ...whatIsSentAgainBeginsOneRound(history),
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
  return acknowledged(history).flatMap(([packetId, asked]) => {
    const packet = history.final.get(packetId);
    if (!packet) return [`${packetId}: acknowledged, and lost`];
    const found = packet.problems.map((problem) => `${packetId}: ${problem}`);
    const isTakenBack = packet.state === 'recalled' && asked.recalled === true;
    if (packet.state !== 'completed' && !isTakenBack)
      found.push(`${packetId}: acknowledged, and ${packet.state} in the end`);
    if (!packet.purged) found.push(`${packetId}: not purged`);
    return found;
  });
}

/** Each round has one delivery to each of those that it was meant for, and each delivery an end that the clients' own acts allow. */
function everyRoundHasOneOutcomeForEachRecipient(history: History): string[] {
  const said = byDelivery(history.said);
  const answers = byDelivery(history.confirmed);
  return acknowledged(history).flatMap(([packetId, asked]) => {
    const packet = history.final.get(packetId);
    if (!packet) return [];
    const isTakenBack = packet.state === 'recalled' && asked.recalled === true;
    const rounds = [asked.to, ...(asked.again ?? []).map(({ to }) => to)];
    const found =
      packet.round === rounds.length ? [] : [`${packetId}: in round ${packet.round}, and ${rounds.length} were meant`];
    for (const { systemId, round } of packet.recipients)
      if (!rounds[round - 1]?.includes(systemId))
        found.push(`${packetId}: a delivery to ${systemId} in round ${round}, which was not meant for it`);
    for (const [before, to] of rounds.entries())
      for (const systemId of to) {
        const deliveries = packet.recipients.filter((one) => one.systemId === systemId && one.round === before + 1);
        const { deliveryId = '' } = deliveries[0] ?? {};
        const end = deliveries.map(({ state }) => state).join();
        const isShort = before === 0 && asked.deliverBy !== undefined;
        // What a destination was answered is so. Without an answer what it said may be on record or not, and the other clients' acts may have come first.
        const answered = (answers.get(deliveryId) ?? []).flatMap(({ state }) => (state === 'pending' ? [] : [state]));
        const allowed: string[] = answered.length
          ? answered
          : [
              // What is to come again ends as rejected only where there is no time for it.
              ...(said.get(deliveryId) ?? []).flatMap((one) => (one.retryable && !isShort ? [] : one.outcome)),
              ...(isShort ? ['undeliverable'] : []),
              // What is taken back before it was planned has no delivery.
              ...(isTakenBack ? ['recalled', ''] : []),
            ];
        if (!allowed.includes(end))
          found.push(`${packetId}: ${end || 'no delivery'} for ${systemId} in round ${before + 1}`);
      }
    return found;
  });
}

/** A request to send again that is made twice is answered with the one round that it was to begin. */
const whatIsSentAgainBeginsOneRound = ({ resent }: History): string[] =>
  resent
    .filter(({ meant, round }) => meant !== round)
    .map(({ packetId, meant, round }) => `${packetId}: round ${meant} was asked for, and round ${round} answered`);

const acknowledged = ({ asked }: History): [packetId: string, Asked][] =>
  [...asked.values()].flatMap((one): [string, Asked][] => (one.answered && one.packetId ? [[one.packetId, one]] : []));

function byDelivery<T extends { deliveryId: string }>(all: T[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) found.set(one.deliveryId, [...(found.get(one.deliveryId) ?? []), one]);
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

/** One event at the source for each attempt that is to come again and for each outcome that is not its own act; what is given up is so after its deadline (P6, S16). */
function everyOutcomeIsToldOnce(history: History): string[] {
  const told = eventsOf(history);
  return acknowledged(history).flatMap(([packetId, { source, deliverBy }]) =>
    (history.final.get(packetId)?.recipients ?? []).flatMap(({ deliveryId, systemId, attempt, state }) => {
      const events = (told.get(`${source} ${packetId}`) ?? []).filter(
        ({ of, type }) => of === deliveryId && TELLING.includes(type),
      );
      const ends = events.filter(({ again }) => !again);
      const expected = TELLING.includes(`delivery.${state}`) ? `delivery.${state}` : '';
      const types = ends.map(({ type }) => type).join();
      const early = ends.some(({ type, at }) => type === 'delivery.undeliverable' && deliverBy && at < deliverBy);
      const repeated = events.length - ends.length;
      return [
        ...(types === expected ? [] : [`${packetId}: ${systemId} is ${state}, and its source was told "${types}"`]),
        ...(early ? [`${packetId}: given up before its deadline`] : []),
        ...(repeated === attempt - 1
          ? []
          : [
              `${packetId}: ${attempt} attempts at ${systemId}, and its source was told of ${repeated} that come again`,
            ]),
      ];
    }),
  );
}

/** By system and packet, each once, in the order of the stream. */
function eventsOf({ events }: History): Map<string, History['events']> {
  const found = new Map<string, Map<string, History['events'][number]>>();
  for (const one of events.toSorted((a, b) => Number(a.offset) - Number(b.offset))) {
    const name = `${one.system} ${one.packetId}`;
    found.set(name, (found.get(name) ?? new Map<string, History['events'][number]>()).set(one.id, one));
  }
  return new Map([...found].map(([name, all]) => [name, [...all.values()]]));
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
  return confirmed.flatMap(({ packetId, deliveryId, attempt, destination, receipt }) => {
    const name = `${packetId}: confirmation of ${destination}, delivery ${deliveryId}, attempt ${attempt},`;
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

/** Content that is purged is gone for good, unless a new round brings it once more (`packet.accepted`); each end and each purge is told once. */
function nothingIsPurgedBeforeItsOutcome(history: History): string[] {
  const told = eventsOf(history);
  return acknowledged(history).flatMap(([packetId, { source }]) => {
    const packet = history.final.get(packetId);
    if (!packet) return [];
    const found: string[] = [];
    const counted = { completed: 0, purged: 0 };
    let isThere = true;
    for (const { type } of told.get(`${source} ${packetId}`) ?? []) {
      if (type === 'packet.accepted') isThere = true;
      if (!isThere && (type === 'packet.completed' || TELLING.includes(type)))
        found.push(`${packetId}: purged before its outcome`);
      if (type === 'packet.purged') isThere = false;
      if (type === 'packet.completed') counted.completed += 1;
      if (type === 'packet.purged') counted.purged += 1;
    }
    // A recall is its source's own act: nobody tells it.
    for (const what of ['completed', 'purged'] as const)
      if (counted[what] !== packet.ends[what])
        found.push(`${packetId}: ${what} ${packet.ends[what]} times, and its source was told ${counted[what]} times`);
    return found;
  });
}
