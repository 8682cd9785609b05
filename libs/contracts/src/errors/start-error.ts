/** Why a process cannot start and only an operator can put it right: one sentence, printed without a stack. */
export class StartError extends Error {
  override readonly name: string = 'StartError';
}
