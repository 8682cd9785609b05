export { AccessKeyVerifier } from './access-keys/access-key-verifier';
export { answerInternalCalls } from './access-keys/answer-internal-calls';
export { Authenticator } from './authenticator';
export type { SystemCaller } from './caller';
export {
  ADMINISTRATOR,
  Administrator,
  BEARER,
  type BearerScope,
  BearerToo,
  Caller,
  CallingSystem,
  PUBLIC,
  Public,
  SYSTEM,
} from './decorators';
export { evidenceOf } from './evidence';
export { IdentityModule, type IdentitySettings } from './identity.module';
export { InternalCalls } from './access-keys/internal-call';
export { Refusals } from './audit/refusals';
export { KeyRing } from './keys/key-ring';
export { type MasterKeys, masterKeyOf, readMasterKeys } from './access-keys/master-key';
export { masterKeyMark, SecretBox, WrongMasterKeyError } from './access-keys/secret-box';
export { DAY_KEY_ROOT, DayKeys } from './keys/day-keys';
export { SessionKeys } from './keys/session-keys';
export { rewrapWebhookSecret, WebhookSecrets } from './access-keys/webhook-secrets';
export { SignedRequestGuard } from './signed-request.guard';
