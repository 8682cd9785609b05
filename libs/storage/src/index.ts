export { openArchive, type Archive } from './archive';
export * from './create-storage';
export { FilesystemStorage, type FilesystemSettings } from './filesystem/filesystem-storage';
export { storageRouter, storageRoutes, type StorageHandler } from './filesystem/storage-router';
export { objectKey, placeOf } from './object-key';
export { S3Storage, type S3Settings } from './s3/s3-storage';
export * from './storage';
export * from './storage.module';
export * from './storage-settings';
