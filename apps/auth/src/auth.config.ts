import { databaseSettings, processSettings, queueSettings, setting } from '@lienthong/runtime';

export const authenticationSettings = {
  MASTER_KEY: setting.text(
    'Key that the secrets of access keys are sealed under, known to auth alone: 32 random bytes, hex or base64url',
    { optional: true, secret: true },
  ),
  MASTER_KEY_COMMAND: setting.text(
    'Command of the shell that prints the master key, such as the client of a KMS or HSM, instead of MASTER_KEY',
    { optional: true, secret: true },
  ),
  OTHER_MASTER_KEYS: setting.text(
    'Master keys that open but do not seal, separated by commas: the former and the next one while they are exchanged',
    { optional: true, secret: true },
  ),
  OTHER_MASTER_KEYS_COMMAND: setting.text('Command that prints them, instead of OTHER_MASTER_KEYS', {
    optional: true,
    secret: true,
  }),
  BEARER_TOKEN_SECONDS: setting.integer('Life of the tokens that POST /oauth2/token gives', {
    default: 3600,
    min: 60,
    max: 86400,
  }),
  ADMIN_KEY_FILE: setting.text(
    'File that the first administrator key is written to when there is none; without it none is made',
    { optional: true },
  ),
};

export const authSettings = {
  ...processSettings,
  PORT: setting.integer('Port of the public API', { default: 8081, min: 0, max: 65535 }),
  INTERNAL_PORT: setting.integer('Port of readiness, metrics and of the questions that connector and notifier ask', {
    default: 9081,
    min: 1,
    max: 65535,
  }),
  ...databaseSettings,
  ...queueSettings,
  ...authenticationSettings,
};

/** What auth's steps are told. */
export abstract class AuthOptions {
  /** Address of the platform as clients see it. */
  abstract readonly publicUrl: string;
  /** Life of bearer tokens, seconds. */
  abstract readonly tokenSeconds: number;
  /** Where the first administrator's key is written; without it none is made. */
  abstract readonly adminKeyFile?: string;
}
