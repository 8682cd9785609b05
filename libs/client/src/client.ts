import type { LIMITS, ResendAnswer, ResendRequest, WaitingDelivery } from '@lienthong/contracts';
import { AccessCalls } from './calls/access';
import { AdminCalls } from './calls/admin';
import { CalendarCalls } from './calls/calendar';
import { DeliveryCalls } from './calls/deliveries';
import { DirectoryCalls } from './calls/directory';
import { EventCalls } from './calls/events';
import { KeyCalls } from './calls/keys';
import { PacketCalls } from './calls/packets';
import { SessionCalls } from './calls/sessions';
import { WebhookCalls } from './calls/webhook';
import { EventStream, type StreamOptions } from './stream/event-stream';
import {
  receive,
  receiveAll,
  type ReceiveAllOptions,
  type ReceivedAll,
  type ReceivedPacket,
  type ReceiveOptions,
} from './receiving/receive';
import { resendFiles } from './sending/resend-files';
import { sendFiles, type SendFilesOptions, type SendFilesRequest, type SentFiles } from './sending/send-files';
import type { FileToSend } from './sending/source-file';
import { StorageRequests } from './transport/storage-requests';
import { Connection, type ConnectionOptions } from './transport/connection';

export type ClientOptions = ConnectionOptions;

/**
 * One system's client of the platform. Keys, sessions, signatures, safe retries and keep-alive connections are its business; calls are
 * grouped as the protocol is. Every call throws PlatformError (what the platform answered), UnreachableError (no answer) or another
 * LienThongError. `close` it when done.
 */
export class LienThongClient {
  readonly sessions: SessionCalls;
  readonly packets: PacketCalls;
  readonly deliveries: DeliveryCalls;
  readonly events: EventCalls;
  readonly directory: DirectoryCalls;
  readonly access: AccessCalls;
  readonly keys: KeyCalls;
  readonly calendar: CalendarCalls;
  readonly webhook: WebhookCalls;
  readonly admin: AdminCalls;
  private readonly connection: Connection;
  private readonly storage: StorageRequests;

  constructor(options: ClientOptions) {
    this.connection = new Connection(options);
    this.storage = new StorageRequests(this.connection.dispatcher, this.connection.language);
    this.sessions = new SessionCalls(this.connection);
    this.packets = new PacketCalls(this.connection);
    this.deliveries = new DeliveryCalls(this.connection);
    this.events = new EventCalls(this.connection);
    this.directory = new DirectoryCalls(this.connection);
    this.access = new AccessCalls(this.connection);
    this.keys = new KeyCalls(this.connection);
    this.calendar = new CalendarCalls(this.connection);
    this.webhook = new WebhookCalls(this.connection);
    this.admin = new AdminCalls(this.connection);
  }

  /** Every limit of the wire. Needs no key. */
  limits(): Promise<typeof LIMITS> {
    return this.connection.call({ method: 'GET', path: '/v1/limits', signedWith: 'nothing' });
  }

  /** The platform's public keys: save them to check receipts offline. Needs no key. */
  jwks(): Promise<{ keys: object[] }> {
    return this.connection.call({ method: 'GET', path: '/.well-known/jwks.json', signedWith: 'nothing' });
  }

  /** Sends files of any size (S2–S3 and the completion); run again after an interruption, it goes on where it stopped. */
  sendFiles(request: SendFilesRequest, options?: SendFilesOptions): Promise<SentFiles> {
    const { packets, storage, connection } = this;
    return sendFiles({ packets, storage, origin: connection.origin, limits: connection.limits }, request, options);
  }

  /** Sends a packet again to whom it was not delivered; with its files, where the content is deleted from the platform. */
  resendFiles(packetId: string, request: ResendRequest = {}, files: FileToSend[] = []): Promise<ResendAnswer> {
    const { packets, storage, connection } = this;
    return resendFiles({ packets, storage, limits: connection.limits }, packetId, request, files);
  }

  /** Fetches one delivery into a folder, verifies and confirms it (S6–S7). */
  receive(
    delivery: string | Pick<WaitingDelivery, 'deliveryId'>,
    folder: string,
    options?: ReceiveOptions,
  ): Promise<ReceivedPacket> {
    return receive(this.receiver, delivery, folder, options);
  }

  /** Fetches, verifies and confirms everything that waits. */
  receiveAll(folder: string, options?: ReceiveAllOptions): Promise<ReceivedAll> {
    return receiveAll(this.receiver, folder, options);
  }

  /** The system's events, live: `for await (const event of client.stream())` or `client.stream().each(handler)`. */
  stream(options?: StreamOptions): EventStream {
    return new EventStream(this.connection, options);
  }

  /** Closes the session, as far as that can be done, and the connections. */
  async close(): Promise<void> {
    await this.sessions.close().catch(() => undefined);
    await this.connection.close();
  }

  private get receiver() {
    return { deliveries: this.deliveries, storage: this.storage, limits: this.connection.limits };
  }
}
