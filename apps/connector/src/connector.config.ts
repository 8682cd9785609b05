import {
  auditSettings,
  databaseSettings,
  processSettings,
  queueSettings,
  setting,
  storageSettings,
} from '@lienthong/runtime';

export const connectorSettings = {
  ...processSettings,
  PORT: setting.integer('Port of the public API', { default: 8082, min: 0, max: 65535 }),
  ...databaseSettings,
  ...queueSettings,
  ...storageSettings,
  ...auditSettings,
  AUTH_INTERNAL_URL: setting.list('Internal addresses of auth, which checks signatures made with access keys', {
    default: [],
  }),
};
