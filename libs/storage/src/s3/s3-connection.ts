import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { LienThongError } from '@lienthong/contracts';
import { Circuit } from './circuit';
import { storageError } from './s3-errors';

export interface S3Settings {
  /** Where the platform's processes reach the store: `http(s)://host[:port]`. */
  endpoint: string;
  /** Where clients reach it, when that is another host; addresses are signed for it. */
  publicEndpoint?: string;
  region: string;
  bucket: string;
  accessKey: string;
  secretKey: string;
  /** Of keys for a limited time (STS). */
  sessionToken?: string;
}

const CONNECT_MILLISECONDS = 2_000;
const ANSWER_MILLISECONDS = 10_000;
/** With retries and all: what a caller waits at most for a store that is dead or hangs. */
const CALL_MILLISECONDS = 13_000;
/** Putting pieces together and copying may take a store minutes before it answers. */
const SLOW_ANSWER_MILLISECONDS = 180_000;

/** Two ways to the same store: quick calls that must fail fast, and slow ones (putting together, copying, streaming). */
export class S3Connection {
  readonly client: S3Client;
  /** Of all calls in both ways. */
  readonly circuit = new Circuit();
  private readonly slow: S3Client;

  constructor(settings: S3Settings) {
    this.client = clientFor(settings, ANSWER_MILLISECONDS, 64);
    this.slow = clientFor(settings, SLOW_ANSWER_MILLISECONDS, 32);
  }

  /** Runs a call of the SDK within `milliseconds`. @throws `unavailable`, `storage_full`, or the store's refusal as it came */
  async call<T>(
    run: (client: S3Client, options: { abortSignal: AbortSignal }) => Promise<T>,
    milliseconds = CALL_MILLISECONDS,
  ): Promise<T> {
    return this.noted(run(this.client, { abortSignal: AbortSignal.timeout(milliseconds) }));
  }

  async callSlow<T>(run: (client: S3Client) => Promise<T>): Promise<T> {
    return this.noted(run(this.slow));
  }

  private async noted<T>(answer: Promise<T>): Promise<T> {
    try {
      const result = await answer;
      this.circuit.note(true);
      return result;
    } catch (error) {
      const known = storageError(error);
      this.circuit.note(!(known instanceof LienThongError && known.code === 'unavailable'));
      throw known;
    }
  }

  close(): void {
    this.client.destroy();
    this.slow.destroy();
  }
}

function clientFor(settings: S3Settings, idle: number, maxSockets: number): S3Client {
  const agent = { keepAlive: true, maxSockets };
  const config: S3ClientConfig = {
    endpoint: settings.endpoint,
    region: settings.region,
    forcePathStyle: true,
    credentials: {
      accessKeyId: settings.accessKey,
      secretAccessKey: settings.secretKey,
      sessionToken: settings.sessionToken,
    },
    // The default sends trailers that some stores refuse and others store as content, and puts the CRC of an empty body into addresses (aws-sdk-js-v3#6810).
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    // The stack of a command is put together once, not for every call (a fifth of its CPU); nothing here adds to it.
    cacheMiddleware: true,
    requestHandler: {
      connectionTimeout: CONNECT_MILLISECONDS,
      requestTimeout: idle,
      throwOnRequestTimeout: true,
      socketTimeout: idle,
      httpAgent: agent,
      httpsAgent: agent,
    },
  };
  return new S3Client(config);
}
