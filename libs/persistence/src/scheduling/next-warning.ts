/**
 * The first warning after `now`, of the points that lie at these fractions of the time from `from` to `deliverBy`.
 * @param warnAt fractions; 0 and 1 are no warnings: at the one nothing is late, at the other it is over
 * @returns undefined when none is left
 */
export function nextWarning(
  warnAt: readonly number[],
  from: Date,
  deliverBy: Date,
  now = from,
): { at: Date; fraction: number } | undefined {
  const whole = deliverBy.getTime() - from.getTime();
  return warnAt
    .filter((fraction) => fraction > 0 && fraction < 1)
    .toSorted((a, b) => a - b)
    .map((fraction) => ({ at: new Date(from.getTime() + whole * fraction), fraction }))
    .find(({ at }) => at > now);
}
