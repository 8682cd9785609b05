import type { DeliveryState, Language, PacketState, Priority, Refusal } from '@lienthong/contracts';

type Text = Record<Language, string>;

export const PACKET_STATE_LABELS: Record<PacketState, Text> = {
  open: { vi: 'chờ tải lên', en: 'waiting for the upload' },
  received: { vi: 'đã nhận đủ, đang kiểm tra', en: 'received, being checked' },
  scheduled: { vi: 'đang giao', en: 'being delivered' },
  completed: { vi: 'hoàn tất', en: 'completed' },
  expired: { vi: 'quá hạn tải lên', en: 'upload expired' },
  refused: { vi: 'bị từ chối', en: 'refused' },
  recalled: { vi: 'đã thu hồi', en: 'recalled' },
};

export const DELIVERY_STATE_LABELS: Record<DeliveryState, Text> = {
  pending: { vi: 'chờ thông báo', en: 'waiting to be announced' },
  notified: { vi: 'nơi nhận đã biết', en: 'the destination knows' },
  ready: { vi: 'nơi nhận đang tải về', en: 'being fetched' },
  accepted: { vi: 'đã nhận', en: 'accepted' },
  rejected: { vi: 'bị trả lại', en: 'rejected' },
  undeliverable: { vi: 'không giao được', en: 'undeliverable' },
  recalled: { vi: 'đã thu hồi', en: 'recalled' },
};

export const PRIORITY_LABELS: Record<Priority, Text> = {
  normal: { vi: 'Thường', en: 'Normal' },
  urgent: { vi: 'Khẩn', en: 'Urgent' },
  veryUrgent: { vi: 'Thượng khẩn', en: 'Very urgent' },
  express: { vi: 'Hỏa tốc', en: 'Express' },
};

/** Entries of a timeline and types of events; what is not here is shown by its own name. */
const HAPPENINGS: Record<string, Text> = {
  'packet.open': { vi: 'Cấp không gian lưu trữ', en: 'Space allocated' },
  'packet.received': { vi: 'Nội dung đã lên đủ', en: 'Content is complete' },
  'packet.accepted': { vi: 'Đã kiểm tra, hợp lệ', en: 'Checked, valid' },
  'packet.downgraded': { vi: 'Hết hạn mức khẩn, gửi ở mức Thường', en: 'Urgent quota used up, sent as normal' },
  'packet.available': { vi: 'Có gói tin chờ nhận', en: 'A packet waits' },
  'packet.scheduled': { vi: 'Đã lập kế hoạch giao', en: 'Delivery planned' },
  'packet.refused': { vi: 'Gói tin bị từ chối', en: 'Packet refused' },
  'packet.recalled': { vi: 'Gói tin đã thu hồi', en: 'Packet recalled' },
  'packet.recallRequested': { vi: 'Nơi gửi đề nghị thu hồi', en: 'Recall requested' },
  'packet.expired': { vi: 'Quá hạn tải lên', en: 'Upload expired' },
  'packet.expiring': { vi: 'Sắp đến hạn giao', en: 'The deadline is near' },
  'packet.extended': { vi: 'Đã gia hạn giao', en: 'The deadline was extended' },
  'packet.resent': { vi: 'Gửi lại', en: 'Sent again' },
  'packet.status': { vi: 'Trạng thái xử lý', en: 'Business status' },
  'packet.completed': { vi: 'Hoàn tất', en: 'Completed' },
  'packet.purgeBlocked': { vi: 'Kho lưu trữ từ chối xóa nội dung', en: 'The store refuses to delete the content' },
  'packet.purged': { vi: 'Nội dung đã xóa khỏi nền tảng', en: 'Content deleted from the platform' },
  'delivery.announced': { vi: 'Đã báo nơi nhận', en: 'Announced to the destination' },
  'delivery.notified': { vi: 'Nơi nhận đã biết', en: 'The destination knows' },
  'delivery.webhookFailed': { vi: 'Chưa gọi được webhook của nơi nhận', en: 'The webhook of the destination failed' },
  'delivery.ready': { vi: 'Nơi nhận sẵn sàng tải về', en: 'The destination is ready to fetch' },
  'delivery.accepted': { vi: 'Nơi nhận đã xác nhận', en: 'Accepted by the destination' },
  'delivery.rejected': { vi: 'Nơi nhận trả lại', en: 'Rejected by the destination' },
  'delivery.undeliverable': { vi: 'Không giao được', en: 'Undeliverable' },
  'delivery.recalled': { vi: 'Đã thu hồi', en: 'Recalled' },
  'delivery.lateConfirmation': { vi: 'Xác nhận muộn', en: 'Confirmed too late' },
  'delivery.mismatched': { vi: 'Mã băm nơi nhận báo không khớp', en: 'The destination reported other digests' },
  'key.expiring': { vi: 'Khóa sắp hết hạn', en: 'Key expires soon' },
  'system.suspended': { vi: 'Hệ thống bị tạm ngừng', en: 'System suspended' },
};

export const happening = (name: string, language: Language): string => HAPPENINGS[name]?.[language] ?? name;

/** Why a recipient is refused (contracts, REFUSALS). */
export const REFUSAL_LABELS: Record<Refusal, Text> = {
  unknown_recipient: { vi: 'không có trong danh mục', en: 'not in the directory' },
  agency_dissolved: { vi: 'cơ quan đã giải thể, chưa có nơi kế thừa', en: 'dissolved, without a successor' },
  system_suspended: { vi: 'hệ thống đang tạm ngừng', en: 'system suspended' },
  no_system: { vi: 'cơ quan chưa có hệ thống nhận', en: 'the agency has no system' },
  data_type_not_received: { vi: 'không nhận loại dữ liệu này', en: 'does not receive this data type' },
  not_granted: { vi: 'chưa được cấp quyền gửi tới đây', en: 'no grant to send there' },
  duplicate_recipient: { vi: 'trùng nơi nhận', en: 'duplicate' },
};
