/** The p-th percentile (0–100) by the nearest rank; null where nothing was measured. */
export function percentile(values, p) {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
}

export const p50p99 = (values) => ({ n: values.length, p50: percentile(values, 50), p99: percentile(values, 99) });
