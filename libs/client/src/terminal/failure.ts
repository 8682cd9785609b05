import { type Language, LienThongError, type Problem, problemOf, type Recipient } from '@lienthong/contracts';
import { CommanderError } from 'commander';
import { PlatformError } from '../transport/platform-error';
import { REFUSAL_LABELS } from './labels';

/** Wrong use of the program: exit code 2, where work that failed is 1. */
export class UsageError extends Error {}

export interface Failure {
  exitCode: 1 | 2;
  problem: Pick<Problem, 'code' | 'detail'> & Partial<Problem>;
}

/** One sentence and a code for whatever went wrong. */
export function failureOf(error: unknown, language: Language): Failure {
  if (error instanceof CommanderError) {
    return { exitCode: 2, problem: { code: 'usage', detail: usageDetail(error, language) } };
  }
  if (error instanceof UsageError) return { exitCode: 2, problem: { code: 'usage', detail: error.message } };
  if (error instanceof PlatformError) return { exitCode: 1, problem: error.problem };
  if (error instanceof LienThongError) return { exitCode: 1, problem: problemOf(error, language) };
  const { code, path, message } = error as NodeJS.ErrnoException;
  const detail = code && path ? fileDetail(code, path, language) : message;
  return { exitCode: 1, problem: { code: code?.toLowerCase() ?? 'failed', detail } };
}

/** The sentence with its code, then the fields or the recipients that it is about. */
export function failureLines(problem: Failure['problem'], language: Language): string[] {
  const fields = (problem.errors ?? []).map(({ pointer, message }) => `  ${pointer}: ${message}`);
  const recipients = (problem.recipients ?? []) as Recipient[];
  const refused = recipients
    .filter(({ allowed }) => !allowed)
    .map(({ address, reason }) => `  ${address}: ${(reason && REFUSAL_LABELS[reason][language]) ?? ''}`);
  return [`${problem.detail} [${problem.code}]`, ...fields, ...refused];
}

function fileDetail(code: string, path: string, language: Language): string {
  const vi: Record<string, string> = {
    ENOENT: 'Không có tệp hoặc thư mục này',
    EACCES: 'Không có quyền với tệp hoặc thư mục này',
    EEXIST: 'Tệp này đã có, không ghi đè',
    EISDIR: 'Đây là thư mục, không phải tệp',
    ENOSPC: 'Đĩa đã đầy',
  };
  const en: Record<string, string> = {
    ENOENT: 'No such file or folder',
    EACCES: 'No right to this file or folder',
    EEXIST: 'This file exists already and is not overwritten',
    EISDIR: 'This is a folder, not a file',
    ENOSPC: 'The disk is full',
  };
  const known = (language === 'vi' ? vi : en)[code];
  return `${known ?? code}: ${path}.`;
}

/** Commander speaks English; its codes are stable. What it quotes is the word the user typed or left out. */
function usageDetail({ code, message }: CommanderError, language: Language): string {
  if (language === 'en') return message.replace(/^error: /, '');
  const word = /'([^']+)'/.exec(message)?.[1] ?? '';
  const sentences: Record<string, string> = {
    'commander.unknownOption': `Không có tùy chọn ${word}`,
    'commander.unknownCommand': `Không có lệnh ${word}`,
    'commander.missingArgument': `Thiếu tham số ${word}`,
    'commander.missingMandatoryOptionValue': `Thiếu tùy chọn bắt buộc ${word}`,
    'commander.optionMissingArgument': `Tùy chọn ${word} cần một giá trị`,
    'commander.invalidArgument': `Giá trị không hợp lệ: ${message.replace(/^error: /, '')}`,
    'commander.excessArguments': 'Thừa tham số',
    'commander.help': 'Thiếu lệnh con',
  };
  return `${sentences[code] ?? message}. Xem hướng dẫn: thêm --help.`;
}
