import { type Delivery, isLive, type Protocol, type State, type Task } from './state';

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

export const without = <T>(list: readonly T[], item: T): T[] => list.toSpliced(list.indexOf(item), 1);
export const unique = <T>(list: readonly T[]): T[] => {
  const seen = new Map(list.map((item) => [JSON.stringify(item), item]));
  return [...seen.values()];
};
export const withTask = (tasks: readonly Task[], task: Task): readonly Task[] =>
  tasks.includes(task) ? tasks : [...tasks, task];
/** One message of a kind lies in the broker, as one row does in the outbox; a broker that delivers it twice keeps it. */
export const room = ({ broker }: State, task: Task): boolean => !broker.some((one) => one.task === task);

/** A task with the commit that makes it necessary. */
export const enqueue = (state: State, task: Task, { sendsOutsideTransaction }: Protocol): State =>
  sendsOutsideTransaction
    ? { ...state, unsent: withTask(state.unsent, task) }
    : { ...state, outbox: withTask(state.outbox, task) };

/** Final state, intent and task are one commit. */
export const ended = (state: State, packet: 'completed' | 'recalled' | 'refused', protocol: Protocol): State =>
  enqueue({ ...state, packet, intent: !protocol.purgesWithoutIntent }, 'purge', protocol);

export const settled = (state: State, protocol: Protocol): State =>
  state.packet === 'scheduled' && !state.deliveries.some(isLive) ? ended(state, 'completed', protocol) : state;

export const changed = (state: State, from: Delivery, to: Delivery): State => ({
  ...state,
  deliveries: [...without(state.deliveries, from), to],
});
