import { type By, changed, ended, enqueue, room, settled, type Step, unique, withTask, without } from './commits';
import { ofAnalysis, ofConsumer, ofCrashes, ofFaults, ofPurge } from './consumers';
import { type Completing, type Confirming, isFinal, isLive, type Protocol, type State, type Task } from './state';

/** Everything that can happen next. */
export function stepsFrom(state: State, protocol: Protocol): Step[] {
  return [
    ...ofSource(state, protocol),
    ...ofDestinations(state, protocol),
    ...unique(state.confirming).map((one) => ofConfirmation(state, one, protocol)),
    ...ofTimers(state, protocol),
    ...ofRelay(state, protocol),
    ...state.broker.flatMap((message) => ofConsumer(state, message, protocol)),
    ...unique(state.analyses).flatMap((analysis) => ofAnalysis(state, analysis, protocol)),
    ...unique(state.purges).flatMap((purge) => ofPurge(state, purge, protocol)),
    ...ofFaults(state),
    ...ofCrashes(state, protocol),
  ];
}

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
