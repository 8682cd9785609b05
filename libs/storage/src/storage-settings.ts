import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { StorageSettings } from './create-storage';

export interface StorageConfig {
  STORAGE: 's3' | 'filesystem';
  DATA_DIR: string;
  PUBLIC_URL: string;
  PLATFORM_SECRET: string;
  S3_ENDPOINT?: string;
  S3_PUBLIC_ENDPOINT?: string;
  S3_REGION: string;
  S3_BUCKET: string;
  S3_ACCESS_KEY?: string;
  S3_SECRET_KEY?: string;
}

/**
 * What the storage needs of a process's configuration.
 * @throws Error with one sentence when the S3 server or its credentials are not set
 */
export function storageSettingsOf(config: StorageConfig): StorageSettings {
  if (config.STORAGE === 'filesystem')
    return {
      driver: 'filesystem',
      folder: join(config.DATA_DIR, 'content'),
      publicUrl: config.PUBLIC_URL,
      secret: createHmac('sha256', config.PLATFORM_SECRET).update('storage addresses').digest('base64url'),
    };
  const { S3_ENDPOINT: endpoint, S3_ACCESS_KEY: accessKey, S3_SECRET_KEY: secretKey } = config;
  if (!endpoint || !accessKey || !secretKey)
    throw new Error(
      'S3_ENDPOINT, S3_ACCESS_KEY and S3_SECRET_KEY must be set. Set them, or choose STORAGE=filesystem.',
    );
  return {
    driver: 's3',
    endpoint,
    publicEndpoint: config.S3_PUBLIC_ENDPOINT,
    region: config.S3_REGION,
    bucket: config.S3_BUCKET,
    accessKey,
    secretKey,
  };
}
