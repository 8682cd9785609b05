import { ended, type Step, unique, withTask, without, room } from './commits';
import { type Analysis, type Delivery, isFinal, type Message, type Protocol, type Purge, type State } from './state';

/** A message that came back more often goes to the dead letters. */
const DELIVERY_LIMIT = 1;
/** At the same time: more do nothing that two do not. */
const CONSUMERS = 2;

/** What becomes of a message when a step of its consumer is its last, and the consumer may die before it acknowledges. */
function last(name: string, from: State, to: State, message: Message, protocol: Protocol): Step[] {
  const steps: Step[] = [{ by: 'platform', name, to }];
  if (from.crashes > 0) {
    const dead = returned({ ...to, crashes: from.crashes - 1 }, [message], protocol);
    steps.push({ by: 'fault', name: `${name}; the consumer dies before it acknowledges`, to: dead });
  }
  return steps;
}

export function ofConsumer(state: State, message: Message, protocol: Protocol): Step[] {
  const { packet, content, round, crashes } = state;
  const kept = state.broker;
  const taken = { ...state, broker: without(state.broker, message) };
  const steps: Step[] = [];
  if (crashes > 0) {
    const to = returned({ ...taken, crashes: crashes - 1 }, [message], protocol);
    steps.push({ by: 'fault', name: `the consumer of ${message.task} dies before it did anything`, to });
  }
  const isFull = state.purges.length + state.analyses.length === CONSUMERS;
  const twice = (name: string, begun: State): Step[] => [
    ...steps,
    { by: 'platform', name, to: begun },
    { by: 'fault', name: `${name}; the broker will deliver its task once more`, to: { ...begun, broker: kept } },
  ];
  if (message.task === 'analyse') {
    if (packet !== 'received')
      return [...steps, ...last('the analysis finds nothing to do', state, taken, message, protocol)];
    // Only where a packet may be received again does it make a difference that an analysis is two looks, and then a commit.
    if (state.resends === 0)
      return [
        ...steps,
        ...last('the analysis commits', state, analysed(taken, content.includes(round), protocol), message, protocol),
      ];
    if (isFull) return steps;
    const analyses = [...state.analyses, { ...message, round, whole: null }];
    return twice('an analysis reads the packet', { ...taken, analyses });
  }
  const isDue = state.intent || protocol.purgesWithoutIntent;
  if (!isDue) return [...steps, ...last('the purge finds nothing to do', state, taken, message, protocol)];
  if (isFull) return steps;
  const begun = { ...taken, purges: [...state.purges, { ...message, step: 'seen', round } as const] };
  return twice('a purge reads the packet', begun);
}

const analysed = (state: State, whole: boolean, protocol: Protocol): State =>
  whole
    ? { ...state, packet: 'scheduled', deliveries: Array<Delivery>(state.recipients).fill('pending') }
    : ended(state, 'refused', protocol);

export function ofAnalysis(state: State, analysis: Analysis, protocol: Protocol): Step[] {
  const rest = { ...state, analyses: without(state.analyses, analysis) };
  if (analysis.whole === null) {
    const whole = state.content.includes(analysis.round);
    const to = { ...rest, analyses: [...rest.analyses, { ...analysis, whole }] };
    return [{ by: 'platform', name: `an analysis finds the content ${whole ? 'whole' : 'missing'}`, to }];
  }
  const counts = state.packet === 'received' && (state.round === analysis.round || protocol.analysesAnyRound);
  return counts
    ? last('the analysis commits', state, analysed(rest, analysis.whole, protocol), analysis, protocol)
    : last('the analysis is overtaken', state, rest, analysis, protocol);
}

export function ofPurge(state: State, purge: Purge, protocol: Protocol): Step[] {
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

export function ofFaults({ broker, wipes, ...state }: State): Step[] {
  if (wipes === 0 || broker.length === 0) return [];
  return [{ by: 'fault', name: 'the broker loses all', to: { ...state, broker: [], wipes: wipes - 1 } }];
}

export function ofCrashes(state: State, protocol: Protocol): Step[] {
  if (state.crashes === 0) return [];
  const { purges, analyses, confirming, unsent, completing } = state;
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
  for (const analysis of unique(analyses))
    crash('an analysis dies', returned({ ...state, analyses: without(analyses, analysis) }, [analysis], protocol));
  const held = [...purges, ...analyses];
  if (requests > 0 && held.length > 0)
    crash('every process dies', returned({ ...state, ...noRequests, purges: [], analyses: [] }, held, protocol));
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
