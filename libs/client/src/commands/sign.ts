import { readFile } from 'node:fs/promises';
import { signatureBase, signRequest } from '@lienthong/signing';
import { Command } from 'commander';
import type { CliContext } from '../terminal/cli-context';
import { UsageError } from '../terminal/failure';
import { signingKeyOf } from '../transport/credentials';
import { explain, requestOfFile } from './sign-explain';

interface Flags {
  body?: string;
  bodyFile?: string;
  cover?: string[];
  header?: string[];
  created?: string;
  nonce?: string;
  explain?: boolean;
  httpFile?: string;
  baseFile?: string;
}

export function signCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('sign')
    .description(
      say(
        'Ký một yêu cầu và cho xem chuỗi ký, để so với chương trình của bạn',
        'Sign a request and show the signature base, to compare with your own program',
      ),
    )
    .argument('[method]', 'GET, POST …')
    .argument('[target]', '/v1/packets?limit=1')
    .option('--body <text>', say('nội dung thân', 'the body'))
    .option('--body-file <file>', say('thân lấy từ tệp', 'the body from a file'))
    .option('--header <header...>', say('tiêu đề thêm, dạng "Tên: giá trị"', 'further headers, "Name: value"'))
    .option('--cover <name...>', say('ký thêm các thành phần này', 'cover these components too'))
    .option(
      '--created <seconds>',
      say(
        'thời điểm ký (giây Unix), để dựng lại một yêu cầu cũ',
        'time of signing (Unix seconds), to reproduce a request',
      ),
    )
    .option('--nonce <text>', say('nonce, để dựng lại một yêu cầu cũ', 'nonce, to reproduce a request'))
    .option(
      '--explain',
      say(
        'giải thích: chuỗi ký mà máy chủ dựng, kiểm tra nào sai trước, khác từ byte nào; hỏi cả nền tảng nếu biết địa chỉ',
        'explain: the base that a server builds, the first check that fails, the first byte that differs; asks the platform too where its address is known',
      ),
    )
    .option(
      '--http-file <file>',
      say(
        'với --explain: yêu cầu của chương trình bạn, dạng văn bản HTTP/1.1',
        'with --explain: the request of your own program, as text of HTTP/1.1',
      ),
    )
    .option(
      '--base-file <file>',
      say('với --explain: chuỗi mà chương trình bạn đã ký', 'with --explain: the text that your own program signed'),
    )
    .action(async (method: string | undefined, target: string | undefined, flags: Flags) => {
      if (flags.explain && flags.httpFile !== undefined) {
        const known = await cli.settings({ key: 'optional', adminKey: true }).catch(() => undefined);
        return explain(cli, await requestOfFile(flags.httpFile), { ...flags, baseUrl: known?.baseUrl });
      }
      if (method === undefined || !target?.startsWith('/'))
        throw new UsageError(
          say('Cần phương thức, và đường dẫn bắt đầu bằng /.', 'A method is needed, and a target that begins with /.'),
        );
      const { baseUrl, credentials = { accessKey: '' } } = await cli.settings({ adminKey: true });
      const body = flags.bodyFile ? await readFile(flags.bodyFile) : flags.body;
      const given = Object.fromEntries((flags.header ?? []).map((header) => headerOf(header, cli)));
      const request = {
        method: method.toUpperCase(),
        target,
        body,
        headers: { host: new URL(baseUrl).host, ...given },
      };
      const options = {
        created: flags.created === undefined ? Math.floor(Date.now() / 1000) : Number(flags.created),
        nonce: flags.nonce ?? crypto.randomUUID(),
        cover: flags.cover,
      };
      const key = signingKeyOf(credentials);
      const base = signatureBase(request, key, options);
      const headers = {
        ...given,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...signRequest(request, key, options),
      };
      if (flags.explain) {
        const rawHeaders = Object.entries({ host: request.headers.host, ...headers }).flat();
        const sent = { ...request, rawHeaders, body: body?.length ? Buffer.from(body) : null };
        return explain(cli, sent, { ...flags, baseUrl });
      }
      const curl = curlOf(request.method, new URL(baseUrl).origin + target, headers, flags);
      cli.out.result({ base, headers, curl }, () => [
        cli.out.style(
          'bold',
          say(
            'Chuỗi ký (các dòng nối bằng \\n, không có ở cuối)',
            'Signature base (lines joined by \\n, none at the end)',
          ),
        ),
        base,
        '',
        cli.out.style('bold', say('Tiêu đề', 'Headers')),
        ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
        '',
        cli.out.style(
          'bold',
          say('Dán vào dòng lệnh (dùng được một lần, trong 5 phút)', 'Ready to paste (good once, for 5 minutes)'),
        ),
        curl,
      ]);
    });
}

function headerOf(header: string, { say }: CliContext): [string, string] {
  const colon = header.indexOf(':');
  if (colon < 1)
    throw new UsageError(
      say(`Tiêu đề "${header}" phải có dạng "Tên: giá trị".`, `The header "${header}" must be "Name: value".`),
    );
  return [header.slice(0, colon).trim().toLowerCase(), header.slice(colon + 1).trim()];
}

/** `--path-as-is`, or curl would rewrite the path after it was signed. */
function curlOf(method: string, url: string, headers: Record<string, string>, { body, bodyFile }: Flags): string {
  const data = bodyFile
    ? [`--data-binary ${quoted(`@${bodyFile}`)}`]
    : body === undefined
      ? []
      : [`--data-binary ${quoted(body)}`];
  const lines = Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  return [`curl --path-as-is -X ${method} ${quoted(url)}`, ...lines, ...data].join(' \\\n  ');
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
