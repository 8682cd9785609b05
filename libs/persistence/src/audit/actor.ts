import { AsyncLocalStorage } from 'node:async_hooks';

/** Who does what is recorded: an access key, a session's id, or a part of the platform. */
export interface Actor {
  actor: string;
  /** Null: an administrator, or the platform itself. */
  systemId: string | null;
}

const acting = new AsyncLocalStorage<Actor>();
let asking: () => Actor | undefined = () => undefined;
let platform: Actor = { actor: 'platform', systemId: null };

/** What `work` does, now and later, is recorded as done by this one. */
export const actingAs = <T>(actor: Actor, work: () => T): T => acting.run(actor, work);

export const currentActor = (): Actor => acting.getStore() ?? asking() ?? platform;

/** Who made the request under way is known elsewhere. Said once, by who verifies requests. */
export function actAsCaller(callerOfRequest: () => Actor | undefined): void {
  asking = callerOfRequest;
}

/** What nobody asked for (tasks, timers) is done by this process. Said once, by whoever composes it. */
export function actAsComponent(name: string): void {
  platform = { actor: `platform:${name}`, systemId: null };
}
