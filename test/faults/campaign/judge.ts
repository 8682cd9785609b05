import { verifyAuditRange } from '@lienthong/signing';
import type { Platform } from '../../support/platform';
import { violationsOf } from './check-history';
import type { History } from './history';

/** @returns what the clients saw that must not be, and what is wrong with the sealed audit log, of which `entries` were verified */
export async function judge(platform: Platform, history: History): Promise<{ violations: string[]; entries: number }> {
  const { admin } = platform.admin;
  const { problems, entries } = await verifyAuditRange(admin.audit.bundle(), await platform.admin.jwks());
  const ofLog = problems.map(({ seq, problem }) => `audit entry ${seq}: ${problem}`);
  return { violations: [...violationsOf(history), ...ofLog], entries };
}
