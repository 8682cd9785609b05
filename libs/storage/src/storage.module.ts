import { type DynamicModule, Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type StorageSettings, createStorage } from './create-storage';
import { FilesystemStorage } from './filesystem/filesystem-storage';
import { storageRouter } from './filesystem/storage-router';
import { Storage } from './storage';

/**
 * Provides `Storage`, opened before the application serves and closed when it stops. With the filesystem driver it also serves the addresses
 * that the driver signs. Nest installs its body parsers after the modules are made, so mounting here puts the router before them.
 */
@Module({})
export class StorageModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly storage: Storage,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
  ) {
    if (storage instanceof FilesystemStorage) host?.httpAdapter?.use(storageRouter(storage));
  }

  static for(settings: StorageSettings): DynamicModule {
    return {
      module: StorageModule,
      global: true,
      providers: [{ provide: Storage, useFactory: () => createStorage(settings) }],
      exports: [Storage],
    };
  }

  onModuleInit(): Promise<void> {
    return this.storage.open();
  }

  onApplicationShutdown(): Promise<void> {
    return this.storage.close();
  }
}
