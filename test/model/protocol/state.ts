/** What a task says is which packet and which step; there is one packet here. */
export type Task = 'analyse' | 'purge';

/** `refused`: the analysis missed content that was there when it was taken over. A sound protocol never comes there. */
export type Packet = 'open' | 'received' | 'scheduled' | 'completed' | 'recalled' | 'refused';
/** `failed`: rejected, or undeliverable: both are final and may be sent again. */
export type Delivery = 'pending' | 'ready' | 'accepted' | 'failed' | 'recalled';

export interface Message {
  readonly task: Task;
  /** How often the broker has had it back. */
  readonly returned: number;
}

/** A consumer between the commits of a purge; its message is out of the queue and not acknowledged. */
export interface Purge extends Message {
  readonly step: 'seen' | 'deleted' | 'recorded';
  /** The round that it read. */
  readonly round: number;
}

/** An analysis between its look at the packet, its look at the content, and its commit. */
export interface Analysis extends Message {
  readonly round: number;
  /** Null: the content is still to be looked at. */
  readonly whole: boolean | null;
}

/** A completion that is asked for: its content was looked at, then it is committed and answered. */
export interface Completing {
  readonly step: 'begun' | 'committed' | 'answered';
  readonly round: number;
}

/** A confirmation that is not one transaction: only seeded bugs make one. */
export interface Confirming {
  readonly outcome: 'accepted' | 'failed';
  readonly isLast: boolean;
}

/** Everything that the protocol remembers. Never changed: a step makes another one. */
export interface State {
  // PostgreSQL
  readonly packet: Packet;
  readonly round: number;
  /** Of the present round, from planning on. Sorted: recipients differ in nothing. */
  readonly deliveries: readonly Delivery[];
  /** To how many this round goes. */
  readonly recipients: number;
  /** `purge_after` is set. */
  readonly intent: boolean;
  /** `purged_at` is set. */
  readonly purged: boolean;
  readonly outbox: readonly Task[];
  readonly dead: readonly Task[];
  // broker and store
  readonly broker: readonly Message[];
  /** Rounds whose content lies in the store. */
  readonly content: readonly number[];
  // what a process holds and loses when it dies
  readonly completing: readonly Completing[];
  readonly purges: readonly Purge[];
  readonly analyses: readonly Analysis[];
  readonly confirming: readonly Confirming[];
  /** Committed, and to be sent by the process that committed it, with no row that says so. */
  readonly unsent: readonly Task[];
  // what the source knows: its completion was answered 202
  readonly acknowledged: boolean;
  // what may still go wrong
  readonly crashes: number;
  readonly wipes: number;
  /** How often the packet may be sent again. */
  readonly resends: number;
}

/** Each decision of the protocol that a seeded bug takes otherwise (reliability 9.3, with its number). */
export interface Protocol {
  /** 20: work that stands still is found in the database and its task sent again. */
  readonly sweeper: boolean;
  /** 1: the source is answered before the commit. */
  readonly answersBeforeCommit?: boolean;
  /** 2: a row leaves the outbox before the broker confirmed. */
  readonly forgetsBeforeConfirm?: boolean;
  /** 3: tasks are sent after the commit, without a row in it. */
  readonly sendsOutsideTransaction?: boolean;
  /** 4: a consumer acknowledges before its effects are committed. */
  readonly acknowledgesBeforeCommit?: boolean;
  /** 5: content is deleted before the last outcome is committed. */
  readonly deletesBeforeOutcome?: boolean;
  /** 6: nothing says that the content is to go, and nobody looks. */
  readonly purgesWithoutIntent?: boolean;
  /** 7: `purged_at` is committed before the delete. */
  readonly recordsBeforeDelete?: boolean;
  /** 8: what came back too often is dropped; no dead letters. */
  readonly dropsAtDeliveryLimit?: boolean;
  /** 11: whether all are final is read before the lock is had. */
  readonly settlesOutsideLock?: boolean;
  /** A completion that was overtaken commits whatever round the packet is in by then. */
  readonly completesAnyRound?: boolean;
  /** An analysis that was overtaken commits what it found into whatever round the packet is in by then. */
  readonly analysesAnyRound?: boolean;
  /** A purge that was overtaken records itself whatever round the packet is in by then. */
  readonly recordsAnyRound?: boolean;
  /** Content of every round lies under the same prefix, so that a purge of a former round finds that of the present one. */
  readonly onePlaceForAllRounds?: boolean;
}

export const isLive = (delivery: Delivery): boolean => delivery === 'pending' || delivery === 'ready';
export const isFinal = (packet: Packet): boolean =>
  packet === 'completed' || packet === 'recalled' || packet === 'refused';

/** One packet to two recipients, for which its source has been given a space. */
export function beginning(may: Pick<State, 'crashes' | 'wipes' | 'resends'>): State {
  return {
    packet: 'open',
    round: 1,
    deliveries: [],
    recipients: 2,
    intent: false,
    purged: false,
    outbox: [],
    dead: [],
    broker: [],
    content: [],
    completing: [],
    purges: [],
    analyses: [],
    confirming: [],
    unsent: [],
    acknowledged: false,
    ...may,
  };
}

/** The same for all states that differ in the order of a list only. */
export function keyOf(state: State): string {
  const { packet, round, recipients, intent, purged, acknowledged, crashes, wipes, resends } = state;
  const one = `${packet}${round}${recipients}${intent}${purged}${acknowledged}${crashes}${wipes}${resends}`;
  const lists = [
    state.deliveries,
    state.outbox,
    state.dead,
    state.content,
    state.unsent,
    state.broker.map(({ task, returned }) => task + returned),
    state.purges.map(({ returned, step, round: seen }) => returned + step + seen),
    state.analyses.map(({ returned, round: seen, whole }) => `${returned}${seen}${whole}`),
    state.completing.map(({ step, round: of }) => step + of),
    state.confirming.map(({ outcome, isLast }) => `${outcome}${isLast}`),
  ];
  const sorted = lists.map((list) => (list.length > 1 ? list.toSorted().join() : (list[0] ?? '')));
  return `${one};${sorted.join(';')}`;
}
