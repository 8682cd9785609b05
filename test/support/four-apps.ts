import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppName } from '@lienthong/contracts';
import { createDataSource, EmbeddedPostgres } from '@lienthong/persistence';
import { AppGateway } from './app-gateway';
import { AppProcess } from './app-process';
import { Platform } from './platform';
import { freePort } from './standalone-process';

const APPS = ['auth', 'connector', 'scheduler', 'notifier'] as const;

/** The four apps as processes of their own, on an embedded PostgreSQL and files: what each of them knows can be told apart. */
export class FourApps {
  readonly folder = mkdtempSync(join(tmpdir(), 'lienthong-four-'));
  readonly secrets = {
    masterKey: randomBytes(32).toString('hex'),
    platformSecret: randomBytes(32).toString('base64url'),
  };
  readonly processes = {} as Record<AppName, AppProcess>;
  databaseUrl = '';
  baseUrl = '';
  private readonly postgres = new EmbeddedPostgres(this.folder);
  private gateway?: AppGateway;

  /** @param settings of single apps, beside what all of them need */
  async start(settings: Partial<Record<AppName, Record<string, string>>> = {}): Promise<this> {
    this.databaseUrl = await this.postgres.start();
    const database = createDataSource({ url: this.databaseUrl, poolSize: 2, applicationName: 'test' });
    await database.initialize();
    await database.runMigrations({ transaction: 'all' });
    await database.destroy();

    const ports = Object.fromEntries(
      await Promise.all(APPS.map(async (app) => [app, [await freePort(), await freePort()]])),
    );
    this.gateway = await AppGateway.open((app) => ports[app][0]);
    this.baseUrl = this.gateway.baseUrl;
    for (const app of APPS) {
      const [port, internal] = ports[app].map(String);
      this.processes[app] = AppProcess.start(app, {
        HOST: '127.0.0.1',
        PORT: port,
        INTERNAL_PORT: internal,
        PUBLIC_URL: this.baseUrl,
        DATABASE_URL: this.databaseUrl,
        PLATFORM_SECRET: this.secrets.platformSecret,
        QUEUE: 'postgres',
        STORAGE: 'filesystem',
        DATA_DIR: join(this.folder, 'content'),
        AUTH_INTERNAL_URL: `http://127.0.0.1:${ports.auth[1]}`,
        LOG_LEVEL: 'debug',
        RATE_LIMIT_PER_MINUTE: '0',
        ...(app === 'notifier' && { WEBHOOK_ALLOW_HTTP: 'true', WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1' }),
        ...(app === 'auth' && {
          MASTER_KEY: this.secrets.masterKey,
          ADMIN_KEY_FILE: join(this.folder, 'admin-key.json'),
        }),
        ...settings[app],
      });
      await this.processes[app].ready();
    }
    return this;
  }

  /** For parties and clients, once they are started; its end is that of the four. */
  platform(): Platform {
    const nothing = async () => undefined;
    return new Platform(this.baseUrl, this.adminKey(), {
      start: nothing,
      terminate: nothing,
      kill9: nothing,
      remove: () => this.stop(),
      databaseUrl: () => this.databaseUrl,
    });
  }

  private adminKey(): { accessKey: string; secretKey: string } {
    return JSON.parse(readFileSync(join(this.folder, 'admin-key.json'), 'utf8')) as {
      accessKey: string;
      secretKey: string;
    };
  }

  /** Everything the four have written. */
  logs(): string {
    return APPS.map((app) => this.processes[app].log()).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.processes).map((one) => one.stop()));
    this.gateway?.close();
    await this.postgres.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
