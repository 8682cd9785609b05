export { LienThongClient, type ClientOptions } from './client';
export type { AccessCheckAnswer, AccessCheckRequest, AccessGrant, TokenAnswer } from '@lienthong/contracts';
export type { DestinationAccess, RequestToDestination } from './calls/destination-access';
export type { DeliveryQuery } from './calls/deliveries';
export type { DirectoryQuery } from './calls/directory';
export type { EventQuery, StreamTicket } from './calls/events';
export type { PacketQuery, SendOptions } from './calls/packets';
export type { PageQuery } from './calls/pages';
export { EventStream, type StreamNotice, type StreamOptions } from './stream/event-stream';
export { safeFileName } from './receiving/file-names';
export type {
  Decision,
  FetchedPacket,
  ReceiveAllOptions,
  ReceivedAll,
  ReceivedFile,
  ReceivedPacket,
  ReceiveOptions,
} from './receiving/receive';
export type { SendFilesOptions, SendFilesRequest, SentFiles } from './sending/send-files';
export type { TransferProgress } from './transport/transfer-progress';
export type { FileToSend } from './sending/source-file';
export type { ConnectionOptions, TlsOptions } from './transport/connection';
export type { Credentials } from './transport/credentials';
export { PlatformError } from './transport/platform-error';
export type { RetryLimits } from './transport/retries';
export { UnreachableError } from './transport/unreachable-error';
export { LienThongError } from '@lienthong/contracts';
/** Checks a packet's receipts offline against a saved JWKS. */
export { verifyReceipts as verifyBundle } from '@lienthong/signing';
