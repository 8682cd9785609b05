import { FilesystemStorage, type FilesystemSettings } from './filesystem/filesystem-storage';
import { S3Storage, type S3Settings } from './s3/s3-storage';
import type { Storage } from './storage';

export type StorageSettings = ({ driver: 's3' } & S3Settings) | ({ driver: 'filesystem' } & FilesystemSettings);

/** @returns the driver that the settings name, not yet opened. */
export function createStorage(settings: StorageSettings): Storage {
  return settings.driver === 's3' ? new S3Storage(settings) : new FilesystemStorage(settings);
}
