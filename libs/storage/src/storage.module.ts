import { type DynamicModule, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type StorageSettings, createStorage } from './create-storage';
import { Storage } from './storage';

/** Provides `Storage`, opened before the application serves and closed when it stops. */
@Module({})
export class StorageModule implements OnModuleInit, OnApplicationShutdown {
  constructor(private readonly storage: Storage) {}

  /** @param storage settings, or a storage made of them by `createStorage` whose `storageRoutes` the process mounts before its body parser */
  static for(storage: StorageSettings | Storage): DynamicModule {
    const useFactory = () => (storage instanceof Storage ? storage : createStorage(storage));
    return { module: StorageModule, global: true, providers: [{ provide: Storage, useFactory }], exports: [Storage] };
  }

  onModuleInit(): Promise<void> {
    return this.storage.open();
  }

  onApplicationShutdown(): Promise<void> {
    return this.storage.close();
  }
}
