import type { History } from './history';

/**
 * What must hold whatever failed (reliability 8: P1–P5, P7–P10): judged from what clients saw.
 * @returns a sentence for each violation
 */
export function violationsOf(history: History): string[] {
  return [
    ...everyAcknowledgedPacketHasOneOutcome(history),
    ...everyKeyHasOnePacket(history),
    ...whatIsFetchedIsWhatWasSent(history),
    ...theSameConfirmationHasTheSameReceipt(history),
    ...everyStreamIsWithoutGaps(history),
    ...nothingIsPurgedBeforeItsOutcome(history),
    ...history.contentLeft.map((packetId) => `${packetId}: content is left`),
  ];
}

function everyAcknowledgedPacketHasOneOutcome({ asked, final }: History): string[] {
  return [...asked.values()].flatMap(({ packetId, answered, to }) => {
    if (!answered || !packetId) return [];
    const packet = final.get(packetId);
    if (!packet) return [`${packetId}: acknowledged, and lost`];
    const found = packet.problems.map((problem) => `${packetId}: ${problem}`);
    if (packet.state !== 'completed') found.push(`${packetId}: acknowledged, and ${packet.state} in the end`);
    if (!packet.purged) found.push(`${packetId}: not purged`);
    for (const systemId of to) {
      const states = packet.recipients.filter((one) => one.systemId === systemId).map(({ state }) => state);
      if (states.join() !== 'accepted') found.push(`${packetId}: ${states.join() || 'no delivery'} for ${systemId}`);
    }
    return found;
  });
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

function nothingIsPurgedBeforeItsOutcome({ asked, events }: History): string[] {
  const at = new Map(
    events.map(({ system, type, packetId, offset }) => [`${system} ${type} ${packetId}`, Number(offset)]),
  );
  return [...asked.values()].flatMap(({ source, packetId, answered }) => {
    if (!answered || !packetId) return [];
    const completed = at.get(`${source} packet.completed ${packetId}`);
    const purged = at.get(`${source} packet.purged ${packetId}`);
    if (completed === undefined || purged === undefined) return [`${packetId}: its source was not told of its end`];
    return purged < completed ? [`${packetId}: purged before its outcome`] : [];
  });
}
