import { Logger } from '@nestjs/common';
import { type Channel, connect, type ConfirmChannel, type RecoveringChannelModel } from 'amqplib';
import { pause, within } from '../trouble';

const HEARTBEAT_SECONDS = 10;
const CONNECT_MS = 5000;
const RECONNECT = { initialDelay: 200, maxDelay: 5000, factor: 2, jitter: 0.2 };
/** amqplib waits for the broker's answer to a close, and for ever when the connection dies meanwhile. */
const CLOSE_MS = 2000;
const REOPEN_MS = { first: 200, longest: 5000 };

export type Failure = (sentence: string) => void;

/** One connection that amqplib restores for ever, and the channels that are kept open on it. */
export class RabbitmqConnection {
  private readonly logger = new Logger('RabbitmqQueue');
  private model: RecoveringChannelModel | undefined;
  private closed = false;
  private said = '';
  /** Why the broker reads nothing from us now (memory or disk alarm), or null. */
  blocked: string | null = null;
  connected = false;

  /** @param onFailure hears every failed attempt, in one sentence */
  constructor(
    private readonly url: string,
    private readonly name: string,
    private readonly onFailure: Failure = () => undefined,
  ) {}

  /** Starts connecting; returns before it is connected. */
  async start(): Promise<void> {
    const model = await connect(withHeartbeat(this.url), {
      timeout: CONNECT_MS,
      noDelay: true,
      clientProperties: { connection_name: this.name },
      recovery: { ...RECONNECT, waitForConnect: false },
    });
    model.on('connect', () => {
      this.connected = true;
      this.blocked = null;
      if (this.said) this.logger.log(`${this.name}: RabbitMQ answers.`);
      this.said = '';
    });
    model.on('disconnect', (error: Error) => {
      this.connected = false;
      this.blocked = null;
      this.fail(error);
    });
    model.on('connect-failed', (error: Error) => this.fail(error));
    model.on('blocked', (reason: string) => {
      this.blocked = reason;
      this.logger.warn(`${this.name}: RabbitMQ takes nothing for now (${reason}).`);
    });
    model.on('unblocked', () => (this.blocked = null));
    // Without a listener an 'error' event ends the process; 'disconnect' tells the same.
    model.on('error', () => undefined);
    if (this.closed) await model.close();
    else this.model = model;
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.model) await closeQuietly(this.model);
  }

  /** @returns a channel for one piece of work; throws at once while there is no connection. */
  async channel(): Promise<Channel> {
    if (!this.model || !this.connected) throw new Error('RabbitMQ is not connected.');
    return quiet(await this.model.createChannel());
  }

  /**
   * Keeps a channel open until `signal` aborts: `use` gets every new one. It is opened again, after 0.2 to 5 s, when the server closes it, when the
   * connection is lost, or when `use` fails.
   */
  keepChannel(use: (channel: Channel) => Promise<void>, signal: AbortSignal): void {
    void this.keep((model) => model.createChannel(), use, signal);
  }

  keepConfirmChannel(use: (channel: ConfirmChannel) => Promise<void>, signal: AbortSignal): void {
    void this.keep((model) => model.createConfirmChannel(), use, signal);
  }

  private async keep<C extends Channel>(
    create: (model: RecoveringChannelModel) => Promise<C>,
    use: (channel: C) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    let ms = REOPEN_MS.first;
    while (!signal.aborted && !this.closed) {
      let channel: C | undefined;
      try {
        if (!this.model) throw new Error('not started');
        channel = quiet(await create(this.model));
        const closed = new Promise((resolve) => channel?.once('close', resolve));
        await use(channel);
        ms = REOPEN_MS.first;
        await closed;
      } catch (error) {
        if (channel) await closeQuietly(channel);
        if (!this.closed && !signal.aborted) this.fail(error);
        ms = Math.min(ms * 2, REOPEN_MS.longest);
      }
      await pause(ms, signal);
    }
  }

  private fail(error: unknown): void {
    const sentence = sentenceOf(error);
    if (sentence !== this.said) this.logger.warn(`${this.name}: ${sentence}`);
    this.said = sentence;
    this.onFailure(sentence);
  }
}

/** A channel's 'error' is followed by its 'close'; without a listener it would end the process. */
function quiet<C extends Channel>(channel: C): C {
  channel.on('error', () => undefined);
  return channel;
}

/** Never fails and never waits long: closed, or soon noticed as dead, is all that is wanted. amqplib throws when it is closed already. */
export async function closeQuietly(what: { close(): Promise<void> }): Promise<void> {
  try {
    await within(CLOSE_MS, 'The broker did not answer.', what.close());
  } catch {
    // See above.
  }
}

/** amqplib sends heartbeats only when asked to; without them a dead peer is noticed by nobody. */
function withHeartbeat(url: string): string {
  const address = new URL(url);
  if (!address.searchParams.has('heartbeat')) address.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS));
  return address.href;
}

function sentenceOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string | number };
  const text = message || String(code ?? error);
  if (/ACCESS.REFUSED/.test(text)) return `RabbitMQ refuses these credentials or rights (${text}).`;
  if (/NOT.ALLOWED/.test(text)) return `RabbitMQ refuses this virtual host (${text}).`;
  if (/PRECONDITION.FAILED/.test(text))
    return `RabbitMQ has a queue of this name with other arguments; delete it once it is empty, or choose another prefix (${text}).`;
  return `RabbitMQ cannot be used: ${text}.`;
}
