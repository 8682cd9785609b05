export * from './data-source';
export * from './outbox.store';
export * from './transactions';
