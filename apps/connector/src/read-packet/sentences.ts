import type { ReminderFailure, Sentence, StuckReason, WebhookError } from '@lienthong/contracts';

/** Clerks read the time of Vietnam, which has one zone and no summer time. */
const CLOCK = new Intl.DateTimeFormat('vi-VN', {
  timeZone: 'Asia/Ho_Chi_Minh',
  hour: '2-digit',
  minute: '2-digit',
  day: '2-digit',
  month: '2-digit',
  year: 'numeric',
});

/** @returns `08:02` and `20/11/2026` of a moment, in Vietnam */
function partsOf(at: Date): { time: string; day: string } {
  const part = Object.fromEntries(CLOCK.formatToParts(at).map(({ type, value }) => [type, value]));
  return { time: `${part.hour}:${part.minute}`, day: `${part.day}/${part.month}/${part.year}` };
}

type Words = (place: string, detail: Record<string, unknown>) => Sentence;
const words =
  (vi: string, en: string): Words =>
  (place) => ({
    vi: vi.replace('{nơi nhận}', place),
    en: en.replace('{destination}', place),
  });

const because = (detail: Record<string, unknown>): string =>
  typeof detail.reasonCode === 'string' ? ` (${detail.reasonCode})` : '';

/** Why a webhook was not reached; what it answered (`http_503`) stands as it is. */
const NOT_CALLED: Record<Exclude<WebhookError, `http_${number}`>, Sentence> = {
  address_refused: {
    vi: 'địa chỉ không thuộc mạng mà nền tảng được phép gọi',
    en: 'its address is in no network that the platform may call',
  },
  name_unknown: { vi: 'không tìm thấy tên máy chủ', en: 'the name of its host is not known' },
  connection_refused: { vi: 'máy nhận từ chối kết nối', en: 'it refuses connections' },
  connection_failed: { vi: 'không kết nối được tới máy nhận', en: 'the connection failed' },
  certificate_untrusted: {
    vi: 'chứng thư số của máy nhận không do tổ chức chứng thực mà nền tảng tin cậy cấp',
    en: 'its certificate was not issued by an authority that the platform trusts',
  },
  certificate_expired: {
    vi: 'chứng thư số của máy nhận đã hết hạn hoặc chưa có hiệu lực',
    en: 'its certificate has expired, or is not valid yet',
  },
  certificate_mismatch: {
    vi: 'chứng thư số của máy nhận được cấp cho tên máy chủ khác',
    en: 'its certificate names another host',
  },
  tls_failed: { vi: 'không thiết lập được kết nối TLS', en: 'no TLS connection could be made' },
  timeout: { vi: 'máy nhận không trả lời kịp', en: 'it did not answer in time' },
};

function notCalled(error: unknown, language: keyof Sentence): string {
  if (typeof error !== 'string') return '';
  const why = Object.hasOwn(NOT_CALLED, error) && NOT_CALLED[error as keyof typeof NOT_CALLED];
  return why ? `: ${why[language]}` : ` (${error})`;
}

const percent = (part: number): number => Math.round(part * 100);

const PRIORITY_WORDS: Record<string, Sentence> = {
  urgent: { vi: 'Khẩn', en: 'urgent' },
  veryUrgent: { vi: 'Thượng khẩn', en: 'very urgent' },
  express: { vi: 'Hỏa tốc', en: 'express' },
};

/** Why a delivery was given up, for the reason codes of `watch-deadlines`. */
const GIVEN_UP: Record<string, Sentence> = {
  never_online: { vi: 'hệ thống nhận chưa lần nào kết nối', en: 'its system never connected' },
  online_not_fetched: { vi: 'đã được báo nhưng không tải về', en: 'it was told but did not fetch' },
  rejected: {
    vi: 'nơi nhận tạm từ chối và chưa nhận lại',
    en: 'it was rejected for the time being, and not taken since',
  },
  no_route: {
    vi: 'hệ thống nhận đang tạm ngừng hoặc cơ quan đã giải thể',
    en: 'its system is suspended or its agency dissolved',
  },
  content_lost: { vi: 'nội dung trong kho không còn nguyên vẹn', en: 'the content in the store is no longer whole' },
  fetched_not_confirmed: { vi: 'đã mở để tải về nhưng không xác nhận', en: 'it was ready but did not confirm' },
};

const NOT_REMINDED: Record<ReminderFailure, Sentence> = {
  no_contact: { vi: 'chưa có địa chỉ thư điện tử của đầu mối', en: 'no e-mail address of it is on record' },
  not_configured: {
    vi: 'nền tảng chưa được cấu hình gửi thư điện tử',
    en: 'the platform is not set up to send e-mail',
  },
  refused: { vi: 'máy chủ thư điện tử từ chối', en: 'the mail server refused the e-mail' },
  unreachable: { vi: 'không kết nối được máy chủ thư điện tử', en: 'no mail server could be reached' },
};

const again = (reminder: unknown, word: string): string =>
  typeof reminder === 'number' && reminder > 1 ? `${word}${reminder}` : '';

const WORDS: Record<string, Words> = {
  'packet.open': words(
    'Nền tảng đã cấp không gian để tải nội dung lên',
    'The platform allocated a space for the content',
  ),
  'packet.downgraded': (_place, { asked }) => ({
    vi: `Đã dùng hết hạn mức gói tin khẩn nên gói tin được gửi ở mức Thường thay vì ${PRIORITY_WORDS[String(asked)]?.vi ?? 'mức đã xin'}`,
    en: `The quota of urgent packets is used up: sent as normal instead of ${PRIORITY_WORDS[String(asked)]?.en ?? 'what was asked for'}`,
  }),
  'packet.received': words('Nội dung đã được tải lên đủ', 'The content arrived complete'),
  'packet.accepted': words('Nền tảng đã kiểm tra, nội dung hợp lệ', 'The platform checked the content: valid'),
  'packet.scheduled': words('Đã lập kế hoạch giao đến các nơi nhận', 'Delivery to the destinations was planned'),
  'packet.refused': words(
    'Nền tảng từ chối gói tin: nội dung không hợp lệ hoặc khác khai báo',
    'The platform refused the packet: its content is invalid or not what was declared',
  ),
  'packet.completed': words('Mọi nơi nhận đã có kết quả cuối cùng', 'Every destination has a final outcome'),
  'packet.expired': words(
    'Không gian đã đóng vì nội dung không được tải lên đúng hạn',
    'The space was closed: the content was not uploaded in time',
  ),
  'packet.expiring': (place, { warnAt }) => ({
    vi: `Sắp hết hạn giao cho ${place}${typeof warnAt === 'number' ? `, đã qua ${percent(warnAt)}% thời gian` : ''}; đã nhắc cả hai bên`,
    en: `The deadline for ${place} is near${typeof warnAt === 'number' ? `: ${percent(warnAt)}% of the time is over` : ''}; both sides were told`,
  }),
  'packet.extended': words('Nơi gửi đã gia hạn giao', 'The source extended the deadline'),
  'packet.resent': (_place, { round, content }) => ({
    vi: `Nơi gửi gửi lại lần ${Number(round ?? 2) - 1} tới những nơi chưa giao được${content === 'upload' ? ', tải nội dung lên lại' : ''}`,
    en: `The source sends it again (round ${Number(round ?? 2)}) to whom it was not delivered${content === 'upload' ? ', and uploads the content anew' : ''}`,
  }),
  'packet.recalled': words('Nơi gửi đã thu hồi gói tin', 'The source recalled the packet'),
  'packet.recallRequested': words(
    'Nơi gửi đề nghị {nơi nhận} trả lại gói tin đã nhận',
    'The source asked {destination} to give back what it had accepted',
  ),
  'packet.status': (place, { code }) => ({
    vi: `${place} báo trạng thái xử lý ${String(code)}`,
    en: `${place} reported business status ${String(code)}`,
  }),
  'packet.purgeBlocked': words(
    'Kho lưu trữ từ chối xóa nội dung; nền tảng sẽ thử lại và người vận hành cần xử lý',
    'The store refuses to delete the content; the platform tries again, an operator must look',
  ),
  'packet.purged': words('Nội dung đã được xóa khỏi nền tảng', 'The content was deleted from the platform'),
  'delivery.announced': words('Đã thông báo cho {nơi nhận}', '{destination} was told'),
  'delivery.notified': (place, { channel }) => ({
    vi: `${place} đã nhận được thông báo${channel === 'webhook' ? ' qua webhook' : ''}, chưa tải về`,
    en: `${place} has the notice${channel === 'webhook' ? ' (by webhook)' : ''}; it has not fetched yet`,
  }),
  'delivery.webhookFailed': (place, { error }) => ({
    vi: `Chưa báo được cho ${place} qua webhook${notCalled(error, 'vi')}; nền tảng sẽ thử lại`,
    en: `${place} could not be told by webhook${notCalled(error, 'en')}; the platform tries again`,
  }),
  'delivery.reminded': (place, { reminder }) => ({
    vi: `Đã gửi thư nhắc${again(reminder, ' lần ')} tới đầu mối của ${place}`,
    en: `A reminder${again(reminder, ' no. ')} was sent to the contact person of ${place}`,
  }),
  'delivery.notReminded': (place, { why }) => ({
    vi: `Chưa gửi được thư nhắc tới đầu mối của ${place}: ${NOT_REMINDED[String(why) as ReminderFailure]?.vi ?? String(why ?? 'chưa rõ lý do')}`,
    en: `The contact person of ${place} could not be reminded: ${NOT_REMINDED[String(why) as ReminderFailure]?.en ?? String(why ?? 'for a reason unknown')}`,
  }),
  'delivery.ready': words('{nơi nhận} báo sẵn sàng và mở để tải về', '{destination} is ready and may fetch'),
  'delivery.accepted': words(
    '{nơi nhận} đã tải về và xác nhận đúng nội dung',
    '{destination} fetched and confirmed the content',
  ),
  'delivery.rejected': (place, detail) => ({
    vi: `${place} trả lại gói tin${because(detail)}`,
    en: `${place} rejected the packet${because(detail)}`,
  }),
  'delivery.undeliverable': (place, detail) => {
    const why = GIVEN_UP[String(detail.reasonCode)];
    const lost = detail.reasonCode === 'content_lost';
    return {
      vi: `${lost ? 'Không giao được' : 'Hết hạn, không giao được'} cho ${place}${why ? `: ${why.vi}` : because(detail)}`,
      en: `${lost ? 'Not' : 'The deadline passed; not'} delivered to ${place}${why ? `: ${why.en}` : because(detail)}`,
    };
  },
  'delivery.lateConfirmation': (place, { outcome }) => ({
    vi: `${place} xác nhận muộn (${outcome === 'accepted' ? 'đã nhận' : 'từ chối'}) khi lượt giao đã kết thúc; kết quả không đổi`,
    en: `${place} confirmed too late (${outcome === 'accepted' ? 'accepted' : 'rejected'}): the delivery had ended, its outcome stays`,
  }),
  'delivery.mismatched': words(
    '{nơi nhận} báo mã băm khác với nội dung; chưa có gì thay đổi',
    '{destination} reported other digests than those of the content; nothing was changed',
  ),
  'delivery.recalled': words('Đã thu hồi ở {nơi nhận}', 'Taken back from {destination}'),
};

/**
 * What happened, as a clerk reads it: `Đã thông báo cho H01.20 lúc 08:02 ngày 20/11/2026.`
 * @param event an action of the timeline
 * @param place address of the destination that it is about, if of one
 */
export function sentenceOf(event: string, at: Date, place = '', detail: Record<string, unknown> = {}): Sentence {
  const { time, day } = partsOf(at);
  const { vi, en } = WORDS[event]?.(place, detail) ?? { vi: event, en: event };
  const next = typeof detail.nextReminderAt === 'string' ? partsOf(new Date(detail.nextReminderAt)) : undefined;
  return {
    vi: `${vi} lúc ${time} ngày ${day}${next ? `; nếu chưa tải về sẽ nhắc tiếp lúc ${next.time} ngày ${next.day}` : ''}.`,
    en: `${en}, at ${time} on ${day}${next ? `; the next reminder, if it is not fetched, is at ${next.time} on ${next.day}` : ''}.`,
  };
}

const STUCK: Record<StuckReason, (place: string, ends: string | null, online: boolean) => Sentence> = {
  not_uploaded: (_place, ends) => ({
    vi: `Chưa tải đủ nội dung lên; không gian đóng lúc ${ends}. Hãy tải nốt rồi hoàn tất.`,
    en: `The content is not complete; the space closes at ${ends}. Upload the rest and complete.`,
  }),
  not_analysed: () => ({
    vi: 'Nền tảng chậm kiểm tra gói tin này. Không phải gửi lại; nếu kéo dài, hãy báo người vận hành.',
    en: 'The platform is late in checking this packet. Do not send it again; if it lasts, tell the operator.',
  }),
  given_up: (place, ends) =>
    place
      ? {
          vi: `Nền tảng gặp lỗi nên chưa thông báo được cho ${place}; hết hạn lúc ${ends}. Đang chờ người vận hành xử lý.`,
          en: `The platform failed to tell ${place}; it ends at ${ends}. It waits for the platform's operator.`,
        }
      : {
          vi: 'Nền tảng gặp lỗi với gói tin này và chờ người vận hành xử lý.',
          en: 'The platform failed on this packet and waits for its operator.',
        },
  not_purged: () => ({
    vi: 'Gói tin đã kết thúc nhưng nền tảng chưa xóa được nội dung và chờ người vận hành xử lý. Không phải gửi lại.',
    en: 'The packet is finished, but the platform could not delete its content and waits for its operator. Do not send it again.',
  }),
  not_announced: (place, ends) => ({
    vi: `${place} chưa kết nối nên chưa biết có gói tin; hết hạn lúc ${ends}. Hãy liên hệ nơi nhận.`,
    en: `${place} has not connected and does not know of the packet; it ends at ${ends}. Contact the destination.`,
  }),
  not_fetched: (place, ends, online) => ({
    vi: `${place} đã được báo nhưng chưa tải về${online ? ', đang kết nối' : ', hiện không kết nối'}; hết hạn lúc ${ends}. Hãy liên hệ nơi nhận.`,
    en: `${place} was told but has not fetched${online ? ' (it is online)' : ' (it is offline)'}; it ends at ${ends}. Contact the destination.`,
  }),
  not_confirmed: (place, ends) => ({
    vi: `${place} đã mở để tải về nhưng chưa xác nhận; hết hạn lúc ${ends}. Hãy đề nghị nơi nhận xác nhận.`,
    en: `${place} was ready but has not confirmed; it ends at ${ends}. Ask the destination to confirm.`,
  }),
};

/** What hangs, and what the source can do. */
export function stuckSentence(reason: StuckReason, place: string, endsAt: Date | null, online: boolean): Sentence {
  const moment = endsAt && partsOf(endsAt);
  return STUCK[reason](place, moment && `${moment.time} ${moment.day}`, online);
}
