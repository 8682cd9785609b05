import { readFile } from 'node:fs/promises';
import { LIMITS, LienThongError, problemOf, type SignatureCheckAnswer } from '@lienthong/contracts';
import {
  explainRequest,
  type Explanation,
  type ReceivedRequest,
  requestOfText,
  SignatureError,
} from '@lienthong/signing';
import type { CliContext } from '../terminal/cli-context';

/** @throws LienThongError signature_malformed for a file that holds no request */
export async function requestOfFile(path: string): Promise<ReceivedRequest> {
  try {
    return requestOfText(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof SignatureError) throw new LienThongError(error.code, error.params);
    throw error;
  }
}

/**
 * What a server makes of a request before it needs a secret: found here, and, where an address of a platform is known, by the platform itself, which also knows
 * its own time and whether the key is on record.
 * @param baseFile holds the text that the user's own program signed
 */
export async function explain(
  cli: CliContext,
  request: ReceivedRequest,
  { baseFile, baseUrl }: { baseFile?: string; baseUrl?: string },
): Promise<void> {
  const clientBase = baseFile === undefined ? undefined : await readFile(baseFile, 'utf8');
  const at = { now: Math.floor(Date.now() / 1000), windowSeconds: LIMITS.signatureWindowSeconds };
  const local = explainRequest({ ...request, clientBase }, at);
  const platform = baseUrl === undefined ? undefined : await ask(cli, baseUrl, request, clientBase);
  cli.out.result({ local: plain(local), ...(platform && { platform }) }, () => linesOf(cli, local, platform));
}

function ask(
  cli: CliContext,
  baseUrl: string,
  { method, target, rawHeaders, body }: ReceivedRequest,
  signatureBase: string | undefined,
): Promise<SignatureCheckAnswer> {
  const headers: Record<string, string[]> = {};
  for (let at = 0; at < rawHeaders.length; at += 2) (headers[rawHeaders[at]] ??= []).push(rawHeaders[at + 1]);
  const { access } = cli.connect({ baseUrl, accessKey: '', session: false });
  const content = body?.length ? { body: body.toString('base64') } : {};
  return access.checkSignature({
    method,
    target,
    headers,
    ...content,
    ...(signatureBase === undefined ? {} : { signatureBase }),
  });
}

/** The same names as in the platform's answer. */
const plain = ({ signature, skewSeconds, failure, difference }: Explanation) => ({
  signatureBase: signature?.base ?? null,
  keyId: signature?.keyId ?? null,
  algorithm: signature?.alg ?? null,
  clockSkewSeconds: skewSeconds ?? null,
  failed: failure ? { code: failure.code, ...failure.params } : null,
  difference: difference ?? null,
});

function linesOf(
  { say, out, language }: CliContext,
  { signature, skewSeconds, failure, difference }: Explanation,
  platform: SignatureCheckAnswer | undefined,
): string[] {
  const wrong = failure && problemOf(new LienThongError(failure.code, failure.params), language);
  return [
    out.style('bold', say('Chuỗi ký mà máy chủ dựng lại', 'Signature base as a server builds it')),
    signature?.base ?? '–',
    '',
    `${say('Lệch giờ', 'Clock skew')}: ${skewSeconds ?? '–'} s`,
    wrong ? `✗ ${wrong.title}: ${wrong.detail} [${wrong.code}]` : `✓ ${say('Dạng đúng', 'The form is right')}`,
    ...(difference
      ? [
          `✗ ${say('Chuỗi ký của bạn khác từ byte', 'Your text differs from byte')} ${difference.offset}, ${say('dòng', 'line')} ${difference.line}:`,
          `  ${say('đúng', 'right')}: ${JSON.stringify(difference.expected)}`,
          `  ${say('của bạn', 'yours')}: ${JSON.stringify(difference.given)}`,
        ]
      : []),
    ...(platform
      ? ['', out.style('bold', say('Nền tảng trả lời', 'The platform says')), ...platformLines(platform)]
      : []),
  ];

  function platformLines({ clockSkewSeconds, key, failed, nextStep }: SignatureCheckAnswer): string[] {
    return [
      `${say('Lệch giờ', 'Clock skew')}: ${clockSkewSeconds ?? '–'} s`,
      `${say('Khóa', 'Key')}: ${key}`,
      `${failed ? `✗ ${failed.title} [${failed.code}]: ` : '✓ '}${nextStep}`,
    ];
  }
}
