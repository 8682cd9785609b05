import { envExample } from '@lienthong/runtime';
import { authSettings } from '../../apps/auth/src/auth.config';
import { connectorSettings } from '../../apps/connector/src/connector.config';
import { notifierSettings } from '../../apps/notifier/src/notifier.config';
import { schedulerSettings } from '../../apps/scheduler/src/scheduler.config';
import { standaloneSettings } from '../../apps/standalone/src/standalone.config';

export const envExampleText = (): string =>
  envExample({
    standalone: standaloneSettings,
    auth: authSettings,
    connector: connectorSettings,
    scheduler: schedulerSettings,
    notifier: notifierSettings,
  });
