import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LienThongClient } from '@lienthong/client';
import type { IssuedKey, SignatureAlgorithm } from '@lienthong/contracts';
import type { SigningKey } from '@lienthong/signing';
import { Client, type QueryResultRow } from 'pg';
import { type RawAnswer, type RawRequest, signedFetch } from './signed-fetch';
import { StandaloneProcess } from './standalone-process';

/** The same tests run on both: the embedded default in one process, and separate processes on real servers (`npm run test:stack`). */
export const onRealStack = process.env.LIENTHONG_STACK === '1';

export const onEmbedded = !onRealStack;

export interface PartyOptions {
  /** Default: a new agency. */
  agencyCode?: string;
  slug?: string;
  /** Data types; default `file`. */
  receives?: string[];
  default?: boolean;
  algorithms?: SignatureAlgorithm[];
  /** SPKI PEM, with RSA. */
  publicKeyPem?: string;
  /** PKCS #8 PEM that signs, with RSA. */
  privateKeyPem?: string;
  /** Systems or codes that this one may send to; `*` by default. */
  grantsTo?: string[];
}

/** A system of an agency, with a key and a client of its own. */
export interface Party {
  agencyCode: string;
  systemId: string;
  client: LienThongClient;
  /** For requests signed by hand. */
  key: SigningKey;
  issued: IssuedKey;
}

export interface Operations {
  start(): Promise<void>;
  terminate(): Promise<unknown>;
  kill9(): Promise<void>;
  remove(): Promise<void>;
  /** As the owner of the tables. */
  databaseUrl(): string;
  /** As the platform itself, where its role's password is known; else the owner puts on the role. */
  applicationUrl?: string;
}

/** A running platform, and what a test needs of it: an administrator, and parties that nobody else uses. */
export class Platform {
  readonly admin: LienThongClient;
  readonly adminKey: SigningKey;
  private readonly clients: LienThongClient[] = [];
  private sqlClient?: Client;

  constructor(
    readonly baseUrl: string,
    adminKey: { accessKey: string; secretKey: string },
    private readonly operations: Operations,
    /** The one process, on the embedded default. */
    readonly standalone?: StandaloneProcess,
  ) {
    this.adminKey = { keyId: adminKey.accessKey, alg: 'hmac-sha256', secret: adminKey.secretKey };
    this.admin = this.clientOf({ ...adminKey, session: false });
  }

  /** A code that no other test file has. */
  newCode(): string {
    return `H${String(randomBytes(1)[0] % 100).padStart(2, '0')}.${randomBytes(5).toString('hex').toUpperCase()}`;
  }

  async newAgency(name = 'Cơ quan thử nghiệm', code = this.newCode()): Promise<string> {
    await this.admin.admin.agencies.create({ code, name });
    return code;
  }

  async makeParty(options: PartyOptions = {}): Promise<Party> {
    const { slug = 'qlvb', receives = ['file'], grantsTo = ['*'], algorithms = ['hmac-sha256'] } = options;
    const agencyCode = options.agencyCode ?? (await this.newAgency());
    const systemId = `${agencyCode}/${slug}`;
    const { admin } = this.admin;
    await admin.systems.create({
      id: systemId,
      name: `Hệ thống ${slug}`,
      receives,
      ...(options.default === undefined ? {} : { default: options.default }),
    });
    const { publicKeyPem, privateKeyPem } = options;
    const issued = await admin.keys.issue(systemId, {
      algorithms,
      ...(publicKeyPem ? { publicKeyPem } : {}),
      ...(algorithms.includes('hmac-sha1') && { legacyUntil: new Date(Date.now() + 86_400_000).toISOString() }),
    });
    for (const to of grantsTo) await admin.grants.create({ from: systemId, to, dataTypes: ['*'] });
    const [algorithm] = algorithms;
    const { accessKey, secretKey } = issued;
    const client = this.clientOf({ accessKey, secretKey, privateKeyPem, algorithm });
    return {
      agencyCode,
      systemId,
      client,
      issued,
      key: { keyId: accessKey, alg: algorithm, secret: secretKey, privateKeyPem },
    };
  }

  /** One that signs with an RSA key of its own. */
  makePartyWithKeyPair(): Promise<Party> {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    return this.makeParty({ algorithms: ['rsa-pss-sha512'], privateKeyPem: privateKey, publicKeyPem: publicKey });
  }

  clientOf(options: Partial<ConstructorParameters<typeof LienThongClient>[0]>): LienThongClient {
    const client = new LienThongClient({ baseUrl: this.baseUrl, language: 'en', ...options });
    this.clients.push(client);
    return client;
  }

  fetch<T = RawAnswer['json']>(target: string, request?: RawRequest): Promise<RawAnswer<T>> {
    return signedFetch<T>(this.baseUrl, target, request);
  }

  /** Straight to the database: only for what no call can bring about in the time of a test, such as the passing of a day. */
  async sql<T extends QueryResultRow>(text: string, values: unknown[] = []): Promise<T[]> {
    if (!this.sqlClient) {
      this.sqlClient = new Client({ connectionString: this.operations.databaseUrl() });
      this.sqlClient.on('error', () => (this.sqlClient = undefined));
      await this.sqlClient.connect();
    }
    return (await this.sqlClient.query<T>(text, values)).rows;
  }

  /** One statement with the rights of the platform itself, not of the owner of the tables. */
  async sqlAsApplication<T extends QueryResultRow>(text: string): Promise<T[]> {
    const { applicationUrl } = this.operations;
    const client = new Client({ connectionString: applicationUrl ?? this.operations.databaseUrl() });
    await client.connect();
    try {
      if (!applicationUrl) await client.query('SET ROLE lienthong_app');
      return (await client.query<T>(text)).rows;
    } finally {
      await client.end();
    }
  }

  databaseUrl(): string {
    return this.operations.databaseUrl();
  }

  /** Ends every process of the platform as `kill -9` does. */
  async kill9(): Promise<void> {
    await this.operations.kill9();
  }

  /** Starts what was ended, on the same data. */
  async start(): Promise<void> {
    await this.operations.start();
  }

  async restart(): Promise<void> {
    await this.sqlClient?.end();
    this.sqlClient = undefined;
    await this.operations.terminate();
    await this.operations.start();
  }

  /** Closes every client made here; on the embedded default also ends the platform and removes its data. */
  async stop(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
    await this.sqlClient?.end();
    await this.operations.remove();
  }
}

/** A platform for one test file: started on the embedded default, or the stack that runs. */
export async function startPlatform(): Promise<Platform> {
  return onRealStack ? stackPlatform() : startStandalone();
}

/** One process on the embedded default with settings of its own, whatever stack is under test. */
export async function startStandalone(env: Record<string, string> = {}): Promise<Platform> {
  const standalone = await StandaloneProcess.start(env);
  const adminKey = readKey(join(standalone.folder, 'admin-key.json'));
  return new Platform(standalone.baseUrl, adminKey, standalone, standalone);
}

async function stackPlatform(): Promise<Platform> {
  const { baseUrl, adminKeyFile, databaseUrl, applicationUrl } = await stackControl<Record<string, string>>('describe');
  const operations: Operations = {
    start: () => stackControl('start-apps'),
    terminate: () => stackControl('kill-apps'),
    kill9: () => stackControl('kill-apps'),
    // Others use the stack too.
    remove: async () => undefined,
    databaseUrl: () => databaseUrl,
    applicationUrl,
  };
  return new Platform(baseUrl, readKey(adminKeyFile), operations);
}

/** Not its address: the platform may have moved since the file was written. */
function readKey(file: string): { accessKey: string; secretKey: string } {
  const { accessKey, secretKey } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  return { accessKey, secretKey };
}

/** Settings of single instances of the real stack, by `auth-1`, that come before its own. */
export type InstanceSettings = Record<string, Record<string, string>>;

/** Starts, stops or kills a part of the real stack. @param settings of the instances that it starts */
export async function stackControl<T = void>(what: string, argument = '', settings: InstanceSettings = {}): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(__dirname, 'stack-control.mjs'),
    what,
    argument,
    JSON.stringify(settings),
  ]);
  return JSON.parse(stdout) as T;
}
