export { Admission, type Pressure, type Recognise, type Urgency, type UrgencyOf } from './admission/admission';
export { awaitServers } from './await-servers';
export * from './boot';
export * from './config/env-example';
export * from './config/ladder-settings';
export * from './config/process-settings';
export * from './config/read-config';
export * from './config/setting';
export * from './every';
export * from './health/health-checks';
export * from './health/metrics';
export { watchClock } from './health/watch-clock';
export { HasForm, IsTime, NoFields } from './validation/field-rules';
export { type FieldRule, rulesOf } from './validation/rules-of';
export { jsonBody, readBody } from './http/json-body';
export { outageOf } from './http/outage';
export {
  answerProblem,
  languageOf,
  ProblemFilter,
  problemHandler,
  type TwoLanguageFieldError,
} from './http/problem.filter';
export { answer, pageAnswer, PROBLEMS, Problems } from './api-answers';
export { addressOf } from './http/client-address';
export { RareCalls, RateLimits } from './http/rate-limit';
export { currentCaller, logContext, logUnit, setCaller, Step } from './http/request-log';
export { parseStrictJson } from './http/strict-json';
export { StrictValidationPipe, validationFailed } from './validation/validation.pipe';
export * from './log';
export { BootError, ownProcess, start } from './process';
export * from './runtime.module';
export * from './shutdown';
export * from './config/driver-settings';
