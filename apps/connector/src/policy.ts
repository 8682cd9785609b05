import { type FieldError, LIMITS, LienThongError, type Policy } from '@lienthong/contracts';

export const POLICY_DEFAULTS = { keepAfterConfirmSeconds: 0, warnAt: [0.5, 0.8], allowPartial: false } as const;

/** The policy of the request over the one before it; what nobody set stays unset and is shown with its default. */
export const mergePolicies = (earlier: Policy, later: Policy | undefined): Policy => ({
  ...earlier,
  ...Object.fromEntries(Object.entries(later ?? {}).filter(([, value]) => value !== undefined && value !== null)),
});

/**
 * The deadline that the policy sets, counted from `now` (protocol 5).
 * @throws validation_failed when it is past, too far, or before deliverAfter; or when a conversion is asked for that nobody can do
 */
export function deadlineOf(policy: Policy, dataType: string, now: Date): Date {
  const latest = new Date(now.getTime() + LIMITS.deliverBySecondsMax * 1000);
  const deliverBy = policy.deliverBy
    ? new Date(policy.deliverBy)
    : new Date(now.getTime() + LIMITS.deliverBySecondsDefault * 1000);
  if (deliverBy <= now) throw invalid('/policy/deliverBy', 'past', 'deliverBy đã qua', 'deliverBy has passed');
  if (deliverBy > latest)
    throw invalid(
      '/policy/deliverBy',
      'too_far',
      'deliverBy không được quá 30 ngày',
      'deliverBy is at most 30 days ahead',
    );
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

/** A field error found by more than a decorator can see; the message waits for the language of the request. */
export function invalid(pointer: string, code: string, vi: string, en: string): LienThongError {
  const errors = [{ pointer, code, message: { vi, en } as unknown as FieldError['message'] }];
  return new LienThongError('validation_failed', { count: 1 }, { errors });
}
