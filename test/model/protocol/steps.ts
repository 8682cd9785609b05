import {
  type Completing,
  type Confirming,
  type Delivery,
  isFinal,
  isLive,
  type Message,
  type Protocol,
  type Purge,
  type State,
  type Task,
} from './state';

/**
 * `platform`: happens by itself. `client`: a source or destination does its part. `choice`: somebody may, and nothing may depend on it.
 * `fault`: what fails.
 */
export type By = 'platform' | 'client' | 'choice' | 'fault';

export interface Step {
  readonly by: By;
  readonly name: string;
  readonly to: State;
}

/** A message that came back more often goes to the dead letters. */
const DELIVERY_LIMIT = 1;
/** At the same time: more do nothing that two do not. */
const CONSUMERS = 2;

const without = <T>(list: readonly T[], item: T): T[] => list.toSpliced(list.indexOf(item), 1);
const unique = <T>(list: readonly T[]): T[] => {
  const seen = new Map(list.map((item) => [JSON.stringify(item), item]));
  return [...seen.values()];
};
const withTask = (tasks: readonly Task[], task: Task): readonly Task[] =>
  tasks.includes(task) ? tasks : [...tasks, task];
/** One message of a kind lies in the broker, as one row does in the outbox; a broker that delivers it twice keeps it. */
const room = ({ broker }: State, task: Task): boolean => !broker.some((one) => one.task === task);

/** Everything that can happen next. */
export function stepsFrom(state: State, protocol: Protocol): Step[] {
  return [
    ...ofSource(state, protocol),
    ...ofDestinations(state, protocol),
    ...unique(state.confirming).map((one) => ofConfirmation(state, one, protocol)),
    ...ofTimers(state, protocol),
    ...ofRelay(state, protocol),
    ...state.broker.flatMap((message) => ofConsumer(state, message, protocol)),
    ...unique(state.purges).flatMap((purge) => ofPurge(state, purge, protocol)),
    ...ofFaults(state),
    ...ofCrashes(state, protocol),
  ];
}

/** A task with the commit that makes it necessary. */
const enqueue = (state: State, task: Task, { sendsOutsideTransaction }: Protocol): State =>
  sendsOutsideTransaction
    ? { ...state, unsent: withTask(state.unsent, task) }
    : { ...state, outbox: withTask(state.outbox, task) };

/** Final state, intent and task are one commit. */
const ended = (state: State, packet: 'completed' | 'recalled' | 'refused', protocol: Protocol): State =>
  enqueue({ ...state, packet, intent: !protocol.purgesWithoutIntent }, 'purge', protocol);

const settled = (state: State, protocol: Protocol): State =>
  state.packet === 'scheduled' && !state.deliveries.some(isLive) ? ended(state, 'completed', protocol) : state;

const changed = (state: State, from: Delivery, to: Delivery): State => ({
  ...state,
  deliveries: [...without(state.deliveries, from), to],
});

function ofSource(state: State, protocol: Protocol): Step[] {
  const { packet, round, acknowledged, content, deliveries } = state;
  const steps: Step[] = [];
  const step = (name: string, more: Partial<State>, by: By = 'client') =>
    steps.push({ by, name, to: { ...state, ...more } });
  if (packet === 'open' && !content.includes(round)) step('the source uploads', { content: [...content, round] });
  if (packet === 'open' || packet === 'received' || packet === 'scheduled') {
    const taken = deliveries.map((one) => (isLive(one) ? 'recalled' : one));
    const to = ended({ ...state, deliveries: taken }, 'recalled', protocol);
    steps.push({ by: 'choice', name: 'the source recalls', to });
  }
  const failed = deliveries.filter((one) => one === 'failed').length;
  if (packet === 'completed' && state.purged && failed > 0 && state.resends > 0) {
    const fresh = { packet: 'open', round: round + 1, recipients: failed, deliveries: [] } as const;
    const nothing = { intent: false, purged: false, acknowledged: false, resends: state.resends - 1 };
    step('the source sends it again', { ...fresh, ...nothing }, 'choice');
  }
  // Asked again until it is answered; a packet that was taken over already is answered like the first time.
  if (!acknowledged && state.completing.length === 0 && (packet !== 'open' || content.includes(round)))
    step('the source completes; the platform finds the content whole', { completing: [{ step: 'begun', round }] });
  // Only where a packet may come to be open again does the first of two requests make a difference.
  if (!acknowledged && state.resends > 0 && state.completing.length === 1 && state.completing[0].step === 'begun')
    step('the source waits no longer and completes once more', {
      completing: [...state.completing, { step: 'begun', round }],
    });
  return [...steps, ...unique(state.completing).flatMap((request) => ofCompletion(state, request, protocol))];
}

function ofCompletion(state: State, request: Completing, protocol: Protocol): Step[] {
  const rest = { ...state, completing: without(state.completing, request) };
  const go = (name: string, to: Completing['step'], more: Partial<State> = {}): Step[] => [
    {
      by: 'platform',
      name,
      to: { ...rest, ...more, completing: [...rest.completing, { step: to, round: request.round }] },
    },
  ];
  // An answer about a round that is over tells nothing of the present one.
  const acknowledged = state.acknowledged || request.round === state.round;
  if (request.step === 'committed')
    return [{ by: 'platform', name: 'the completion is answered', to: { ...rest, acknowledged } }];
  if (request.step === 'begun' && protocol.answersBeforeCommit)
    return go('the completion is answered, before its commit', 'answered', { acknowledged });
  const counts = state.packet === 'open' && (request.round === state.round || protocol.completesAnyRound);
  const taken = counts ? enqueue({ ...rest, packet: 'received' }, 'analyse', protocol) : rest;
  if (request.step === 'answered') return [{ by: 'platform', name: 'the completion commits', to: taken }];
  return go(counts ? 'the completion commits' : 'the completion finds nothing to do', 'committed', taken);
}

function ofDestinations(state: State, protocol: Protocol): Step[] {
  if (state.packet !== 'scheduled') return [];
  const steps: Step[] = [];
  // A destination that polls needs no notification: those are hints.
  if (state.deliveries.includes('pending')) {
    const there = state.content.includes(state.round);
    const to = changed(state, 'pending', there ? 'ready' : 'failed');
    steps.push(
      there
        ? { by: 'client', name: 'a destination is ready and fetches', to }
        : { by: 'client', name: 'a destination is ready, and the content is lost', to: settled(to, protocol) },
    );
  }
  const isLast = state.deliveries.filter(isLive).length === 1;
  const inSteps = protocol.settlesOutsideLock || (protocol.deletesBeforeOutcome && isLast);
  const unclaimed = state.deliveries.filter((one) => one === 'ready').length - state.confirming.length;
  if (unclaimed > 0) {
    for (const outcome of ['accepted', 'failed'] as const) {
      const name = `a destination ${outcome === 'accepted' ? 'accepts' : 'rejects'}`;
      if (inSteps) {
        const content = protocol.deletesBeforeOutcome ? [] : state.content;
        const confirming = [...state.confirming, { outcome, isLast }];
        steps.push({ by: 'client', name: `${name}, begun`, to: { ...state, content, confirming } });
      } else steps.push({ by: 'client', name, to: settled(changed(state, 'ready', outcome), protocol) });
    }
    steps.push({ by: 'choice', name: 'a destination rejects for now', to: changed(state, 'ready', 'pending') });
  }
  return steps;
}

/** Only seeded bugs confirm in more than one step. */
function ofConfirmation(state: State, one: Confirming, protocol: Protocol): Step {
  const rest = { ...state, confirming: without(state.confirming, one) };
  if (state.packet !== 'scheduled' || !state.deliveries.includes('ready'))
    return { by: 'platform', name: 'the confirmation is too late', to: rest };
  const to = changed(rest, 'ready', one.outcome);
  return { by: 'platform', name: 'the confirmation commits', to: one.isLast ? ended(to, 'completed', protocol) : to };
}

function ofTimers(state: State, protocol: Protocol): Step[] {
  const { packet, deliveries, intent, purged, outbox, dead } = state;
  const steps: Step[] = [];
  if (packet === 'scheduled' && deliveries.some(isLive)) {
    const given = { ...state, deliveries: deliveries.map((one) => (isLive(one) ? 'failed' : one)) };
    steps.push({ by: 'platform', name: 'the deadline passes', to: settled(given, protocol) });
  }
  const lost: Task | undefined =
    packet === 'received' ? 'analyse' : isFinal(packet) && intent && !purged ? 'purge' : undefined;
  // What is in the dead letters waits for a person.
  if (protocol.sweeper && lost && !outbox.includes(lost) && !dead.includes(lost))
    steps.push({
      by: 'platform',
      name: `the sweeper sends ${lost} again`,
      to: { ...state, outbox: [...outbox, lost] },
    });
  for (const task of dead) {
    const to = { ...state, dead: without(dead, task), outbox: withTask(outbox, task) };
    steps.push({ by: 'platform', name: `the operator replays ${task}`, to });
  }
  return steps;
}

/** A relay that dies before the broker has the message is the message lost on its way; after, it is the confirm lost. */
function ofRelay(state: State, protocol: Protocol): Step[] {
  const { outbox, broker, unsent } = state;
  const sent = (task: Task) => [...broker, { task, returned: 0 }];
  return [
    ...unsent
      .filter((task) => room(state, task))
      .map((task) => ({
        by: 'platform' as const,
        name: `${task} is sent after the commit`,
        to: { ...state, unsent: without(unsent, task), broker: sent(task) },
      })),
    ...outbox
      .filter((task) => room(state, task))
      .flatMap((task): Step[] => {
        const done = { ...state, outbox: without(outbox, task) };
        const undone = protocol.forgetsBeforeConfirm ? done : state;
        return [
          { by: 'platform', name: `the relay sends ${task}`, to: { ...done, broker: sent(task) } },
          { by: 'fault', name: `${task} is lost on its way to the broker`, to: undone },
          { by: 'fault', name: `the broker’s confirm of ${task} is lost`, to: { ...undone, broker: sent(task) } },
        ];
      }),
  ];
}

/** What becomes of a message when a step of its consumer is its last, and the consumer may die before it acknowledges. */
function last(name: string, from: State, to: State, message: Message, protocol: Protocol): Step[] {
  const steps: Step[] = [{ by: 'platform', name, to }];
  if (from.crashes > 0) {
    const dead = returned({ ...to, crashes: from.crashes - 1 }, [message], protocol);
    steps.push({ by: 'fault', name: `${name}; the consumer dies before it acknowledges`, to: dead });
  }
  return steps;
}

function ofConsumer(state: State, message: Message, protocol: Protocol): Step[] {
  const { packet, content, round, crashes } = state;
  const kept = state.broker;
  const taken = { ...state, broker: without(state.broker, message) };
  const steps: Step[] = [];
  if (crashes > 0) {
    const to = returned({ ...taken, crashes: crashes - 1 }, [message], protocol);
    steps.push({ by: 'fault', name: `the consumer of ${message.task} dies before it did anything`, to });
  }
  if (message.task === 'analyse') {
    const analysed = (): State => {
      if (!content.includes(round)) return ended(taken, 'refused', protocol);
      return { ...taken, packet: 'scheduled', deliveries: Array<Delivery>(state.recipients).fill('pending') };
    };
    if (packet !== 'received')
      return [...steps, ...last('the analysis finds nothing to do', state, taken, message, protocol)];
    return [...steps, ...last('the analysis commits', state, analysed(), message, protocol)];
  }
  const isDue = state.intent || protocol.purgesWithoutIntent;
  if (!isDue) return [...steps, ...last('the purge finds nothing to do', state, taken, message, protocol)];
  if (state.purges.length === CONSUMERS) return steps;
  const begun = { ...taken, purges: [...state.purges, { ...message, step: 'seen', round } as const] };
  const name = 'a purge reads the packet';
  return [
    ...steps,
    { by: 'platform', name, to: begun },
    { by: 'fault', name: `${name}; the broker will deliver its task once more`, to: { ...begun, broker: kept } },
  ];
}

function ofPurge(state: State, purge: Purge, protocol: Protocol): Step[] {
  const rest = { ...state, purges: without(state.purges, purge) };
  const go = (name: string, step: Purge['step'], more: Partial<State>): Step[] => [
    { by: 'platform', name, to: { ...rest, ...more, purges: [...rest.purges, { ...purge, step }] } },
  ];
  const done = (name: string, more: Partial<State> = {}) => last(name, state, { ...rest, ...more }, purge, protocol);
  const content = protocol.onePlaceForAllRounds ? [] : state.content.filter((round) => round !== purge.round);
  if (purge.step === 'recorded') return done('the purge deletes the content', { content });
  if (purge.step === 'seen' && !protocol.recordsBeforeDelete)
    return go('the purge deletes the content', 'deleted', { content });
  const isDue = protocol.purgesWithoutIntent ? isFinal(state.packet) : state.intent;
  const counts = !state.purged && isDue && (state.round === purge.round || protocol.recordsAnyRound);
  if (!counts) return done('the purge is overtaken');
  const name = 'the purge commits: purged';
  return protocol.recordsBeforeDelete ? go(name, 'recorded', { purged: true }) : done(name, { purged: true });
}

function ofFaults({ broker, wipes, ...state }: State): Step[] {
  if (wipes === 0 || broker.length === 0) return [];
  return [{ by: 'fault', name: 'the broker loses all', to: { ...state, broker: [], wipes: wipes - 1 } }];
}

function ofCrashes(state: State, protocol: Protocol): Step[] {
  if (state.crashes === 0) return [];
  const { purges, confirming, unsent, completing } = state;
  const steps: Step[] = [];
  const crash = (name: string, dead: State) =>
    steps.push({ by: 'fault', name, to: { ...dead, crashes: state.crashes - 1 } });
  const noRequests = { completing: [], confirming: [], unsent: [] };
  const requests = completing.length + confirming.length + unsent.length;
  if (requests > 0) crash('the process that answers requests dies', { ...state, ...noRequests });
  for (const purge of unique(purges)) {
    const dead = returned({ ...state, purges: without(purges, purge) }, [purge], protocol);
    crash(`a purge dies (${purge.step})`, dead);
  }
  if (requests > 0 && purges.length > 0)
    crash('every process dies', returned({ ...state, ...noRequests, purges: [] }, purges, protocol));
  return steps;
}

/** What a dead consumer held goes back to the queue, or after too many times to the dead letters. */
function returned(state: State, held: readonly Message[], protocol: Protocol): State {
  if (protocol.acknowledgesBeforeCommit) return state;
  return held.reduce<State>((now, { task, returned: times }) => {
    if (times >= DELIVERY_LIMIT)
      return protocol.dropsAtDeliveryLimit ? now : { ...now, dead: withTask(now.dead, task) };
    return room(now, task) ? { ...now, broker: [...now.broker, { task, returned: times + 1 }] } : now;
  }, state);
}
