import {
  type FieldError,
  LIMITS,
  LienThongError,
  type Policy,
  type PolicyRules,
  type PolicySources,
} from '@lienthong/contracts';
import type { StoredPolicy } from '@lienthong/persistence';

/** The rules of the platform or of what an administrator set, and their name in the sources. */
export interface PolicyLayer {
  source: string;
  rules: PolicyRules;
}
/** What the platform itself says of every value. */
export type PlatformPolicy = Required<PolicyRules>;

export interface PolicyInForce {
  policy: StoredPolicy;
  sources: PolicySources;
}

/** The policy of a packet whose source says nothing: the platform's, then what is set for the data type, then for the system. */
export function policyOf(platform: PlatformPolicy, layers: PolicyLayer[]): PolicyInForce {
  const policy: StoredPolicy = {};
  const sources: PolicySources = {};
  for (const { source, rules } of [{ source: 'platform', rules: platform }, ...layers]) {
    const { deliverBySecondsMax, ...values } = rules;
    if (deliverBySecondsMax !== undefined)
      policy.deliverBySecondsMax = Math.min(deliverBySecondsMax, platform.deliverBySecondsMax);
    for (const name of ['deliverBySeconds', 'keepAfterConfirmSeconds', 'warnAt', 'allowPartial'] as const) {
      if (values[name] === undefined) continue;
      Object.assign(policy, { [name]: values[name] });
      sources[name === 'deliverBySeconds' ? 'deliverBy' : name] = source;
    }
  }
  return { policy, sources };
}

/** What the source says over what holds without it; a later word of the source wins. */
export function withPolicy(
  { policy, sources }: PolicyInForce,
  said: Policy | undefined,
  source: 'packet' | 'completion' | 'extension' | 'resend',
): PolicyInForce {
  const values = Object.entries(said ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return {
    policy: { ...policy, ...Object.fromEntries(values) },
    sources: { ...sources, ...Object.fromEntries(values.map(([name]) => [name, source])) },
  };
}

/** What the parties are shown of it. */
export function shownPolicy(stored: StoredPolicy): Policy {
  const { deliverBySeconds: _default, deliverBySecondsMax: _bound, ...policy } = stored;
  return policy;
}

/**
 * The deadline that the policy sets, counted from `now` (protocol 5).
 * @throws validation_failed when it is past, too far, or before deliverAfter; or when a conversion is asked for that nobody can do
 */
export function deadlineOf(policy: StoredPolicy, dataType: string, now: Date): Date {
  const most = policy.deliverBySecondsMax ?? LIMITS.deliverBySecondsMax;
  const seconds = Math.min(policy.deliverBySeconds ?? LIMITS.deliverBySecondsDefault, most);
  const deliverBy = policy.deliverBy ? new Date(policy.deliverBy) : new Date(now.getTime() + seconds * 1000);
  if (deliverBy <= now) throw invalid('/policy/deliverBy', 'past', 'deliverBy đã qua', 'deliverBy has passed');
  if (deliverBy.getTime() > now.getTime() + most * 1000) throw tooFar('/policy/deliverBy', most);
  if (policy.deliverAfter && new Date(policy.deliverAfter) >= deliverBy)
    throw invalid(
      '/policy/deliverAfter',
      'after_deadline',
      'deliverAfter phải trước deliverBy',
      'deliverAfter must be before deliverBy',
    );
  if (policy.convertTo && policy.convertTo !== dataType)
    throw invalid(
      '/policy/convertTo',
      'no_converter',
      `chưa có bộ chuyển đổi từ ${dataType} sang ${policy.convertTo}`,
      `there is no converter from ${dataType} to ${policy.convertTo}`,
    );
  return deliverBy;
}

/** @param seconds how far off a deadline may be */
export function tooFar(pointer: string, seconds: number): LienThongError {
  const [length, vi, en] =
    seconds % 86_400 === 0 ? [seconds / 86_400, 'ngày', 'day(s)'] : [seconds, 'giây', 'second(s)'];
  return invalid(
    pointer,
    'too_far',
    `deliverBy không được quá ${length} ${vi}`,
    `deliverBy is at most ${length} ${en} ahead`,
  );
}

/** A field error found by more than a decorator can see; the message waits for the language of the request. */
export function invalid(pointer: string, code: string, vi: string, en: string): LienThongError {
  const errors = [{ pointer, code, message: { vi, en } as unknown as FieldError['message'] }];
  return new LienThongError('validation_failed', { count: 1 }, { errors });
}
