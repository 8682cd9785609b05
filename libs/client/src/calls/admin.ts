import type {
  Agency,
  AgencyChange,
  AuditCheckpointItem,
  AuditItem,
  ConnectionView,
  DeadTask,
  Grant,
  IssuedKey,
  KeyRotation,
  KeyView,
  LegacyKey,
  NewAgency,
  NewGrant,
  NewKey,
  NewSystem,
  Page,
  PlatformKeyRotation,
  PlatformKeyView,
  PolicyRules,
  PolicyRulesView,
  QueuesAnswer,
  Replay,
  Replayed,
  Rewrap,
  RotatedKey,
  ServiceCalendar,
  ServiceCalendarView,
  System,
  SystemChange,
  SystemContact,
  SystemPolicyRules,
  TaskKind,
} from '@lienthong/contracts';
import type { AuditLine } from '@lienthong/signing';
import { type Call, type Connection, pathOf } from '../transport/connection';
import { everyItem, type PageQuery } from './pages';

type Query = Omit<PageQuery, 'cursor'>;

export interface AuditQuery extends Query {
  /** RFC 3339; 31 days before `until` by default. */
  since?: string;
  until?: string;
  actor?: string;
  action?: string;
  packetId?: string;
}

const policyPath = (of: 'systems' | 'data-types', name: string): string => pathOf('v1', 'admin', of, name, 'policy');

/**
 * For operators (protocol 9), always signed with the administrator's access key. Creating is not repeated after an unclear failure:
 * look whether it is there, then decide.
 */
export class AdminCalls {
  constructor(private readonly connection: Pick<Connection, 'call' | 'lines'>) {}

  readonly agencies = {
    list: (query: Query = {}) => this.list<Agency>('/v1/admin/agencies', query),
    create: (body: NewAgency) => this.call<Agency>({ method: 'POST', path: '/v1/admin/agencies', body }),
    get: (code: string) => this.call<Agency>({ method: 'GET', path: pathOf('v1', 'admin', 'agencies', code) }),
    change: (code: string, body: AgencyChange) =>
      this.call<Agency>({ method: 'PATCH', path: pathOf('v1', 'admin', 'agencies', code), body, repeatable: true }),
  };

  readonly systems = {
    list: (query: Query = {}) => this.list<System>('/v1/admin/systems', query),
    create: (body: NewSystem) => this.call<System>({ method: 'POST', path: '/v1/admin/systems', body }),
    get: (systemId: string) => this.call<System>({ method: 'GET', path: pathOf('v1', 'admin', 'systems', systemId) }),
    change: (systemId: string, body: SystemChange) =>
      this.call<System>({ method: 'PATCH', path: pathOf('v1', 'admin', 'systems', systemId), body, repeatable: true }),
  };

  /** Policy where the source of a packet says nothing; setting it takes the place of all that was set. */
  readonly policies = {
    ofDataType: (code: string) => this.call<PolicyRulesView>({ method: 'GET', path: policyPath('data-types', code) }),
    setOfDataType: (code: string, body: PolicyRules) =>
      this.call<PolicyRulesView>({ method: 'PUT', path: policyPath('data-types', code), body, repeatable: true }),
    ofSystem: (systemId: string) =>
      this.call<PolicyRulesView>({ method: 'GET', path: policyPath('systems', systemId) }),
    setOfSystem: (systemId: string, body: SystemPolicyRules) =>
      this.call<PolicyRulesView>({ method: 'PUT', path: policyPath('systems', systemId), body, repeatable: true }),
  };

  /** When a system takes packets; setting it takes the place of all that was set. */
  readonly calendars = {
    get: (systemId: string) =>
      this.call<ServiceCalendarView>({ method: 'GET', path: pathOf('v1', 'admin', 'systems', systemId, 'calendar') }),
    set: (systemId: string, body: ServiceCalendar) =>
      this.call<ServiceCalendarView>({
        method: 'PUT',
        path: pathOf('v1', 'admin', 'systems', systemId, 'calendar'),
        body,
        repeatable: true,
      }),
  };

  readonly keys = {
    list: (systemId: string, query: Query = {}) => this.list<KeyView>(this.keysOf(systemId), query),
    /** The secret is in the answer this once. */
    issue: (systemId: string, body: NewKey) =>
      this.call<IssuedKey>({ method: 'POST', path: this.keysOf(systemId), body }),
    /** A new key in place of one, which goes on for the overlap. */
    rotate: (systemId: string, accessKey: string, body: KeyRotation = {}) =>
      this.call<RotatedKey>({ method: 'POST', path: `${this.keysOf(systemId)}${pathOf(accessKey, 'rotate')}`, body }),
    revoke: (systemId: string, accessKey: string) =>
      this.call<void>({ method: 'DELETE', path: `${this.keysOf(systemId)}${pathOf(accessKey)}` }),
  };

  /** Keys by which the platform signs receipts, checkpoints and tokens. */
  readonly platformKeys = {
    list: () => this.list<PlatformKeyView>('/v1/admin/platform-keys', {}),
    rotate: (body: PlatformKeyRotation = {}) =>
      this.call<PlatformKeyView>({ method: 'POST', path: '/v1/admin/platform-keys', body }),
  };

  readonly grants = {
    list: (query: Query = {}) => this.list<Grant>('/v1/admin/grants', query),
    create: (body: NewGrant) => this.call<Grant>({ method: 'POST', path: '/v1/admin/grants', body }),
    remove: (grantId: string) => this.call<void>({ method: 'DELETE', path: pathOf('v1', 'admin', 'grants', grantId) }),
  };

  readonly audit = {
    /** Newest first. */
    list: (query: AuditQuery = {}) => this.list<AuditItem>('/v1/admin/audit', query),
    checkpoints: (query: Query = {}) => this.list<AuditCheckpointItem>('/v1/admin/audit/checkpoints', query),
    /** A range of the sealed log, line by line, for `verifyAuditRange`. @param range numbers of the first entry and after the last */
    bundle: (range: { from?: number; to?: number } = {}): AsyncGenerator<AuditLine> =>
      this.connection.lines<AuditLine>({
        method: 'GET',
        path: '/v1/admin/audit/bundle',
        query: range,
        signedWith: 'accessKey',
      }),
  };

  /** Depth, oldest age and rate per work queue and per destination. */
  queues(): Promise<QueuesAnswer> {
    return this.call({ method: 'GET', path: '/v1/admin/queues' });
  }

  /** Keys that may sign with hmac-sha1, until when, and how often they did. */
  legacySignatures(): AsyncGenerator<LegacyKey> {
    return this.list('/v1/admin/reports/legacy-signatures', {});
  }

  readonly deadTasks = {
    list: (query: Query & { kind?: TaskKind; packetId?: string } = {}) =>
      this.list<DeadTask>('/v1/admin/dead-tasks', query),
    replay: (body: Replay = {}) => this.call<Replayed>({ method: 'POST', path: '/v1/admin/dead-tasks/replays', body }),
  };

  /** How each system is reached: online, polls, its webhook and what is wrong with it. */
  contacts(query: Query & { systemId?: string } = {}): AsyncGenerator<SystemContact> {
    return this.list('/v1/admin/connections/systems', { ...query });
  }

  /** Who connected when, from where and for how long; newest first. */
  connections(query: Query & { systemId?: string; open?: boolean } = {}): AsyncGenerator<ConnectionView> {
    const { open, ...rest } = query;
    return this.list('/v1/admin/connections', { ...rest, ...(open && { open: 'true' }) });
  }

  /** Puts every secret under the master key that seals now. */
  rewrap(): Promise<Rewrap> {
    return this.call({ method: 'POST', path: '/v1/admin/rewraps' });
  }

  private keysOf(systemId: string): string {
    return pathOf('v1', 'admin', 'systems', systemId, 'keys');
  }

  private list<T>(path: string, query: Query | AuditQuery): AsyncGenerator<T> {
    return everyItem((cursor) => this.call<Page<T>>({ method: 'GET', path, query: { ...query, cursor } }));
  }

  private call<T>(call: Call): Promise<T> {
    return this.connection.call<T>({ ...call, signedWith: 'accessKey' });
  }
}
