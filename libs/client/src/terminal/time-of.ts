import type { CliContext } from './cli-context';
import { UsageError } from './failure';

const SPAN_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A moment as a person writes it: a time of RFC 3339, or a span from now on, or back from now.
 * @throws UsageError
 */
export function timeOf(text: string, { say }: CliContext, spans: 'ahead' | 'ago' = 'ahead'): string {
  const span = /^(\d+)([mhd])$/.exec(text);
  const at = span ? Date.now() + Number(span[1]) * SPAN_MS[span[2]] * (spans === 'ago' ? -1 : 1) : Date.parse(text);
  if (Number.isNaN(at))
    throw new UsageError(
      say(
        `Không hiểu thời điểm "${text}": ghi 2026-12-01T08:00:00+07:00, hoặc 2d, 12h, 30m.`,
        `"${text}" is no time: write 2026-12-01T08:00:00+07:00, or 2d, 12h, 30m.`,
      ),
    );
  return new Date(at).toISOString();
}
