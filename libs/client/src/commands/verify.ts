import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Proof, ReceiptBundle, ReceiptClaims } from '@lienthong/contracts';
import { verifyReceipts } from '@lienthong/signing';
import { Command } from 'commander';
import type { CliContext } from '../terminal/cli-context';
import { UsageError } from '../terminal/failure';
import { happening } from '../terminal/labels';
import { isAuditRange, verifyAuditFile } from './verify-audit';

interface Flags {
  jwks?: string;
  content?: string[];
  checkpoint?: string[];
}

export function verifyCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('verify')
    .description(
      say(
        'Kiểm tra bằng chứng của một gói tin, hoặc một đoạn nhật ký kiểm toán; có --jwks thì không cần mạng',
        'Check the evidence of a packet, or a range of the audit log; offline with --jwks',
      ),
    )
    .argument(
      '<file>',
      say('tệp do lệnh receipts -o hoặc admin audit export ghi', 'a file written by receipts -o or admin audit export'),
    )
    .option('--jwks <file>', say('khóa công khai đã lưu (lệnh jwks -o)', 'saved public keys (command jwks -o)'))
    .option(
      '--content <files...>',
      say(
        'đối chiếu cả các tệp nội dung với mã băm trong biên nhận',
        'also compare these files with the digests in the receipts',
      ),
    )
    .option(
      '--checkpoint <files...>',
      say(
        'nhật ký kiểm toán: so với điểm kiểm tra lưu ngoài cơ sở dữ liệu',
        'audit log: compare with checkpoints that were kept outside the database',
      ),
    )
    .action(async (file: string, flags: Flags) => {
      const jwks = flags.jwks
        ? await readJson<{ keys: object[] }>(flags.jwks, cli)
        : await (await cli.client({ key: 'optional', adminKey: true })).jwks();
      if (await isAuditRange(file)) return verifyAuditFile(cli, file, jwks, flags.checkpoint ?? []);
      const bundle = await readJson<ReceiptBundle>(file, cli);
      const { problems, claims } = await verifyReceipts(bundle, jwks);
      const receipts = claims as ReceiptClaims[];
      const contents = await compare(flags.content ?? [], receipts);
      const valid = problems.length === 0 && contents.every(({ matches }) => matches);
      if (!valid) cli.exitCode = 1;
      cli.out.result({ valid, packetId: bundle.packetId, problems, claims, contents }, () => [
        ...receipts.map(
          ({ iat, event, from, proof, detail }) =>
            `${cli.out.style('dim', cli.out.time(new Date(iat * 1000).toISOString()))}  ${happening(event, cli.language)}  ${from}` +
            whatItProves(proof ?? (detail as Partial<Proof> | undefined), cli),
        ),
        ...problems.map(
          ({ index, problem }) =>
            `${cli.out.style('red', '✗')} ${index < 0 ? '' : `${say('biên nhận', 'receipt')} ${index + 1}: `}${problem}`,
        ),
        ...contents.map(({ name, matches }) => `${matches ? '✓' : cli.out.style('red', '✗')} ${name}`),
        valid
          ? cli.out.style(
              'green',
              say(
                `✓ Hợp lệ: ${receipts.length} biên nhận của gói tin ${bundle.packetId}.`,
                `✓ Valid: ${receipts.length} receipts of packet ${bundle.packetId}.`,
              ),
            )
          : cli.out.style(
              'red',
              say('✗ Không hợp lệ: không dùng làm bằng chứng được.', '✗ Not valid: this proves nothing.'),
            ),
      ]);
    });
}

/** What a receipt says of its own worth, on a line below it. */
const whatItProves = (said: Partial<Proof> | undefined, { out, language }: CliContext): string =>
  said?.statement ? `\n${' '.repeat(4)}${out.style('dim', said.statement[language])}` : '';

/** A file fits when a receipt names a part with its digest. */
async function compare(
  files: string[],
  receipts: ReceiptClaims[],
): Promise<{ name: string; sha256: string; matches: boolean }[]> {
  const known = new Set(receipts.flatMap(({ parts }) => parts.map(({ sha256 }) => sha256)));
  return Promise.all(
    files.map(async (file) => {
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
      const sha256 = hash.digest('base64');
      return { name: basename(file), sha256, matches: known.has(sha256) };
    }),
  );
}

async function readJson<T>(file: string, { say }: CliContext): Promise<T> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new UsageError(say(`${file} không phải tệp JSON.`, `${file} is not a JSON file.`));
  }
}
