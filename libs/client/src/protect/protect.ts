export { AccessRefusedError } from './access-refused-error';
export { type IncomingAccess, lienthongGuard, type NestContext } from './nest-guard';
export { lienthongMiddleware } from './express-middleware';
export { checkIncoming, type IncomingRequest, type ProtectOptions, type Source } from './check-incoming';
