import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type AuditLine, verifyAuditRange } from '@lienthong/signing';
import type { CliContext } from '../terminal/cli-context';

/** What a range of the audit log begins with; a packet's evidence begins otherwise. */
const HEAD = /^\s*\{"type":"range"/;

export async function isAuditRange(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
    return HEAD.test(buffer.toString('utf8', 0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** Reads the file as it verifies it: a range may be larger than the memory. */
export async function verifyAuditFile(
  cli: CliContext,
  file: string,
  jwks: { keys: object[] },
  checkpointFiles: string[],
): Promise<void> {
  const { out, say } = cli;
  const outside = await Promise.all(checkpointFiles.map(async (name) => (await readFile(name, 'utf8')).trim()));
  const verdict = await verifyAuditRange(linesOf(file), jwks, outside);
  if (!verdict.valid) cli.exitCode = 1;
  const { from, to, entries, forgotten, checkpoints, problems, problemCount } = verdict;
  out.result(verdict, () => [
    ...problems.map(({ seq, problem }) => `${out.style('red', '✗')} ${seq < 0 ? '' : `${seq}: `}${problem}`),
    ...(problemCount > problems.length ? [say(`… tổng cộng ${problemCount}`, `… ${problemCount} in all`)] : []),
    say(
      `Mục ${from}–${to}: ${entries} mục, ${forgotten} đã hết thời hạn lưu, ${checkpoints} điểm kiểm tra; so với ${outside.length} điểm kiểm tra lưu ngoài.`,
      `Entries ${from}–${to}: ${entries} here, ${forgotten} past their time, ${checkpoints} checkpoints; compared with ${outside.length} kept outside.`,
    ),
    verdict.valid
      ? out.style(
          'green',
          say(
            '✓ Hợp lệ: không có gì bị sửa, xóa, chèn hay đổi thứ tự.',
            '✓ Valid: nothing edited, deleted, inserted or reordered.',
          ),
        )
      : out.style('red', say('✗ Không hợp lệ.', '✗ Not valid.')),
    ...(verdict.valid && outside.length === 0
      ? [
          say(
            'Chưa so với điểm kiểm tra lưu ngoài cơ sở dữ liệu (--checkpoint): chỉ khi đó mới biết phần cuối có bị cắt hay không.',
            'Not compared with a checkpoint kept outside the database (--checkpoint): only that shows whether the end was cut off.',
          ),
        ]
      : []),
  ]);
}

async function* linesOf(file: string): AsyncGenerator<AuditLine> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  for await (const line of lines) if (line.trim() !== '') yield parsed(line);
}

/** A line that is no JSON is a line that is not valid, not a reason to stop. */
function parsed(line: string): AuditLine {
  try {
    return JSON.parse(line) as AuditLine;
  } catch {
    return { type: 'unreadable' } as unknown as AuditLine;
  }
}
