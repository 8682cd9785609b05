import type { Priority } from '@lienthong/contracts';
import type { Reminder } from '@lienthong/persistence';
import type { Letter } from './mailer';

const CLOCK = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Asia/Ho_Chi_Minh',
  dateStyle: 'short',
  timeStyle: 'short',
});

const PRIORITY_WORDS: Record<Priority, { vi: string; en: string }> = {
  normal: { vi: 'Thường', en: 'normal' },
  urgent: { vi: 'Khẩn', en: 'urgent' },
  veryUrgent: { vi: 'Thượng khẩn', en: 'very urgent' },
  express: { vi: 'Hỏa tốc', en: 'express' },
};

/**
 * The e-mail to a contact person: which packets wait, never what is in them. What others wrote (titles, names) stands on one line each, so that none of
 * it can pass for a line of the platform, let alone for a header.
 */
export function letterOf({ to, agencies, packets, count }: Reminder, emailId: string, publicUrl: string): Letter {
  const places = agencies.map(({ code, name }) => `${oneLine(name)} (${code})`).join('; ');
  const others = count - packets.length;
  const listed = (language: 'vi' | 'en') =>
    packets.map((packet, index) => lineOf(packet, index + 1, language)).join('\n\n');
  const vi = [
    `Kính gửi: ${oneLine(to.name ?? '') || 'Đầu mối liên thông'}, ${places}`,
    `Nền tảng liên thông xin thông báo: ${count} gói tin gửi đến quý cơ quan đã được thông báo nhưng chưa được tải về.`,
    listed('vi'),
    ...(others > 0 ? [`Ngoài ra còn ${others} gói tin khác.`] : []),
    `Đề nghị quý cơ quan mở phần mềm đã kết nối (hoặc chạy lệnh: lienthong receive <thư mục>) để tiếp nhận trước hạn giao. Quá hạn giao, nền tảng sẽ thông báo cho nơi gửi là không giao được.`,
    `Địa chỉ nền tảng: ${publicUrl}`,
    'Thư này được gửi tự động, đề nghị không trả lời. Khi cần thay đổi đầu mối nhận thư, đề nghị liên hệ đơn vị quản trị nền tảng.',
  ];
  const en = [
    `To: ${oneLine(to.name ?? '') || 'the contact person'}, ${places}`,
    `${count} packet${count === 1 ? '' : 's'} sent to you ${count === 1 ? 'was' : 'were'} announced and not fetched yet.`,
    listed('en'),
    ...(others > 0 ? [`And ${others} more.`] : []),
    'Please receive them with your connected software (or run: lienthong receive <folder>) before the deadline. After it the source is told that they could not be delivered.',
    `Platform: ${publicUrl}`,
    'This e-mail was sent automatically; please do not answer it. To have another contact person, ask the operator of the platform.',
  ];
  return {
    // Its host need not exist: RFC 5322 3.6.4 asks for an id that is unique.
    messageId: `<${emailId}@${new URL(publicUrl).hostname}>`,
    to: { address: to.address, name: oneLine(to.name ?? '') },
    subject: `[Liên thông] ${count} gói tin chờ tiếp nhận (${count} waiting): ${agencies.map(({ code }) => code).join(', ')}`,
    text: `${vi.join('\n\n')}\n\n--------\n\n${en.join('\n\n')}\n`,
  };
}

function lineOf(packet: Reminder['packets'][number], number: number, language: 'vi' | 'en'): string {
  const { title, from, fromName, to, priority, deliverBy, packetId } = packet;
  const source = `${oneLine(fromName)} (${from})`;
  const word = PRIORITY_WORDS[priority][language];
  const until = CLOCK.format(deliverBy).replace(',', '');
  const [what, ids] =
    language === 'vi'
      ? [`Nơi gửi: ${source}. Nơi nhận: ${to}. Mức độ: ${word}. Hạn giao: ${until}`, `Mã gói tin: ${packetId}`]
      : [`From: ${source}. To: ${to}. Priority: ${word}. Deadline: ${until} (UTC+7)`, `Packet: ${packetId}`];
  return `${number}. ${oneLine(title)}\n   ${what}\n   ${ids}`;
}

/** Without breaks of lines or control characters, which titles of old packets or names may have. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\s]+/gu, ' ').trim();
