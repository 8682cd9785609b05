import { DatabaseClock, Transactions } from '@lienthong/persistence';
import { HealthChecks, Metrics, watchClock } from '@lienthong/runtime';
import { type DynamicModule, Module } from '@nestjs/common';
import { AuthOptions } from './auth.config';
import { CheckSignature } from './check-signature/check-signature';
import { CheckSignatureController } from './check-signature/check-signature.controller';
import { AuthenticateClient } from './issue-token/authenticate-client';
import { IssueToken } from './issue-token/issue-token';
import { IssueTokenController } from './issue-token/issue-token.controller';
import { CheckAccess } from './check-access/check-access';
import { CheckAccessController } from './check-access/check-access.controller';
import { ManageAgenciesController } from './manage-agencies/manage-agencies.controller';
import { ManageCalendarsController } from './manage-calendars/manage-calendars.controller';
import { OwnCalendarController } from './manage-calendars/own-calendar.controller';
import { ManageGrantsController } from './manage-grants/manage-grants.controller';
import { ManageKeys } from './manage-keys/manage-keys';
import { ManageKeysController } from './manage-keys/manage-keys.controller';
import { OwnKeysController } from './manage-keys/own-keys.controller';
import { ManagePlatformKeysController } from './manage-platform-keys/manage-platform-keys.controller';
import { ManagePoliciesController } from './manage-policies/manage-policies.controller';
import { ManageSystemsController } from './manage-systems/manage-systems.controller';
import { GrantAccess } from './open-session/grant-access';
import { OpenSession } from './open-session/open-session';
import { OpenSessionController } from './open-session/open-session.controller';
import { PublishKeysController } from './publish-keys/publish-keys.controller';
import { ReadAuditController } from './read-audit/read-audit.controller';
import { ReadDirectoryController } from './read-directory/read-directory.controller';
import { ReplayDeadTasksController } from './replay-dead-tasks/replay-dead-tasks.controller';
import { ReportLegacySignaturesController } from './report-legacy-signatures/report-legacy-signatures.controller';
import { RewrapSecrets } from './rewrap-secrets/rewrap-secrets';
import { RewrapSecretsController } from './rewrap-secrets/rewrap-secrets.controller';
import { CheckSecrets } from './starting/check-secrets';
import { FirstAdministrator } from './starting/first-administrator';
import { RefusesForgeries } from './starting/refuses-forgeries';
import { WatchConnectionsController } from './watch-connections/watch-connections.controller';
import { WatchQueues } from './watch-queues/watch-queues';
import { WatchQueuesController } from './watch-queues/watch-queues.controller';

export { tokenForm } from './issue-token/token-form';
export { AuthOptions, authenticationSettings } from './auth.config';

/** The authentication service (C4) and the registry. Needs persistence, queue and identity (with the master key) beside it in the process. */
@Module({
  controllers: [
    OpenSessionController,
    CheckAccessController,
    IssueTokenController,
    CheckSignatureController,
    ManageAgenciesController,
    ManageSystemsController,
    ManagePoliciesController,
    ManageCalendarsController,
    OwnCalendarController,
    ManageKeysController,
    OwnKeysController,
    ManagePlatformKeysController,
    RewrapSecretsController,
    ReportLegacySignaturesController,
    ReplayDeadTasksController,
    WatchConnectionsController,
    ManageGrantsController,
    WatchQueuesController,
    ReadAuditController,
    ReadDirectoryController,
    PublishKeysController,
  ],
  providers: [
    AuthenticateClient,
    IssueToken,
    GrantAccess,
    CheckAccess,
    OpenSession,
    CheckSignature,
    ManageKeys,
    RewrapSecrets,
    WatchQueues,
    CheckSecrets,
    FirstAdministrator,
    RefusesForgeries,
  ],
})
export class AuthModule {
  /** The broker is none of its conditions: without it sessions still open, and only `watch-queues` cannot answer. */
  constructor(health: HealthChecks, transactions: Transactions, metrics: Metrics, clock: DatabaseClock) {
    health.register('database', async () => void (await transactions.query('SELECT 1')));
    watchClock(health, metrics, () => clock.aheadMs());
  }

  static for(options: AuthOptions): DynamicModule {
    return { module: AuthModule, providers: [{ provide: AuthOptions, useValue: options }] };
  }
}
