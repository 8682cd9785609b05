import type { PacketState } from '@lienthong/contracts';
import type { PurgeReport } from '@lienthong/storage';

/** Why the content had to go. */
const RULES: Partial<Record<PacketState, { vi: string; en: string }>> = {
  completed: {
    vi: 'mọi nơi nhận đã có kết quả cuối cùng và thời gian giữ lại (keepAfterConfirmSeconds) đã hết',
    en: 'all deliveries final, keepAfterConfirmSeconds over',
  },
  expired: { vi: 'nội dung không được tải lên đúng hạn', en: 'space not completed in time' },
  refused: { vi: 'nền tảng từ chối nội dung khi kiểm tra', en: 'content refused by the analysis' },
  recalled: { vi: 'nơi gửi đã thu hồi', en: 'recalled by the source' },
};

const DAY_MS = 86_400_000;

/** What the receipt of a purge tells (protocol 8): that the store answered, what it was asked, and what that does not prove. */
export interface PurgeCertificate extends Record<string, unknown> {
  rule: string;
  /** When the purge became due, on record before the first delete. */
  intendedAt: string;
  deletedAt: string | null;
  verifiedAbsentAt: string;
  /** Objects and versions that were deleted, unfinished uploads that were ended. */
  removed: number;
  abortedUploads: number;
  checked: PurgeReport['checked'];
  store: string;
  /** Until when backups of the store may hold the content; null: the operator has not said (BACKUP_HORIZON_DAYS). */
  backupHorizon: string | null;
  statement: { vi: string; en: string };
}

/** @param backupDays how long backups of the content store are kept, in days; 0: there are none */
export function certificateOf(
  { state, purgeAfter }: { state: PacketState; purgeAfter: Date },
  report: PurgeReport,
  { store, backupDays }: { store: string; backupDays?: number },
): PurgeCertificate {
  const gone = report.deletedAt ?? report.verifiedAbsentAt;
  const horizon = backupDays === undefined ? null : new Date(Date.parse(gone) + backupDays * DAY_MS).toISOString();
  const rule = RULES[state] ?? { vi: state, en: state };
  return {
    rule: rule.en,
    intendedAt: purgeAfter.toISOString(),
    deletedAt: report.deletedAt,
    verifiedAbsentAt: report.verifiedAbsentAt,
    removed: report.removed.length,
    abortedUploads: report.aborted,
    checked: report.checked,
    store,
    backupHorizon: horizon,
    statement: {
      vi: `Lý do xóa: ${rule.vi}. Sau khi xóa, kho lưu trữ trả lời không còn đối tượng, phiên bản hay lần tải lên dở dang nào của gói tin. ${backupVi(horizon, backupDays)} Không khẳng định việc tẩy xóa vật lý trên thiết bị lưu trữ, và không nói gì về bản mà nơi nhận đã tải về.`,
      en: `Deleted because: ${rule.en}. The store then answered that no object, version or unfinished upload of the packet is left. ${backupEn(horizon, backupDays)} Nothing is claimed of the physical media, nor of what destinations have fetched.`,
    },
  };
}

const backupVi = (horizon: string | null, days?: number): string =>
  days === 0
    ? 'Đơn vị vận hành cho biết kho không có bản sao lưu.'
    : horizon
      ? `Bản sao lưu của kho có thể còn nội dung đến ${horizon}.`
      : 'Đơn vị vận hành chưa cho biết bản sao lưu của kho được giữ bao lâu.';

const backupEn = (horizon: string | null, days?: number): string =>
  days === 0
    ? 'The operator says that the store has no backups.'
    : horizon
      ? `Backups of the store may hold the content until ${horizon}.`
      : 'The operator has not said how long backups of the store are kept.';
