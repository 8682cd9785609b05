/**
 * Work between processes. A closed, versioned union that carries ids only: whoever handles a task reads the truth from PostgreSQL,
 * so that a task may come twice, late, or forged without harm.
 */
export const TASK_KINDS = ['analyse-packet', 'notify-destination', 'purge-content', 'check-content'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

export interface Task {
  v: 1;
  kind: TaskKind;
  packetId: string;
}

export const task = (kind: TaskKind, packetId: string): Task => ({ v: 1, kind, packetId });

export function isTask(value: unknown): value is Task {
  const candidate = value as Partial<Task> | null;
  return (
    typeof candidate === 'object' &&
    candidate !== null &&
    candidate.v === 1 &&
    TASK_KINDS.includes(candidate.kind as TaskKind) &&
    typeof candidate.packetId === 'string'
  );
}
