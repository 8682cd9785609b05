import { type DynamicModule, Module, type OnApplicationShutdown, type OnModuleInit, type Type } from '@nestjs/common';
import { type StorageSettings, createStorage } from './create-storage';
import { type Clock, Storage } from './storage';

/** Provides `Storage`, opened before the application serves and closed when it stops. */
@Module({})
export class StorageModule implements OnModuleInit, OnApplicationShutdown {
  constructor(private readonly storage: Storage) {}

  /**
   * @param storage settings, or a storage made of them by `createStorage` whose `storageRoutes` the process mounts before its body parser
   * @param clock the provider of the time that the platform's processes agree on; without one, it is this process's own
   */
  static for(storage: StorageSettings | Storage, clock?: Type<Clock>): DynamicModule {
    const useFactory = (shared?: Clock) => {
      const made = storage instanceof Storage ? storage : createStorage(storage);
      if (shared) made.clock = shared;
      return made;
    };
    const providers = [{ provide: Storage, inject: clock ? [clock] : [], useFactory }];
    return { module: StorageModule, global: true, providers, exports: [Storage] };
  }

  onModuleInit(): Promise<void> {
    return this.storage.open();
  }

  onApplicationShutdown(): Promise<void> {
    return this.storage.close();
  }
}
