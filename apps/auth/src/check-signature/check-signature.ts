import {
  type CheckedKey,
  type Language,
  LIMITS,
  LienThongError,
  problemOf,
  type SignatureCheck,
  type SignatureCheckAnswer,
} from '@lienthong/contracts';
import { KeyRing } from '@lienthong/identity';
import { validationFailed } from '@lienthong/runtime';
import {
  explainRequest,
  type Explanation,
  type ReceivedRequest,
  requestOfText,
  type RequestToExplain,
  SignatureError,
} from '@lienthong/signing';
import { Inject, Injectable } from '@nestjs/common';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The signature debugger (protocol 4): what the platform makes of a request, up to the point where a secret is needed. It is no oracle:
 * - it opens no secret and computes no signature, so it cannot say whether one is right, nor give one away;
 * - it neither reads nor records nonces, so nothing shown here is used up, and nobody learns which were used;
 * - of a key it tells what any refused request tells (`unknown_key`, `algorithm_not_allowed`), see {@link CheckedKey}.
 * Whoever has the key learns the rest by sending the request itself.
 */
@Injectable()
export class CheckSignature {
  constructor(@Inject(KeyRing) private readonly ring: Pick<KeyRing, 'key' | 'session'>) {}

  /** @throws LienThongError validation_failed when there is no request in it, or two */
  async check(check: SignatureCheck, language: Language, now: number): Promise<SignatureCheckAnswer> {
    const at = { now: Math.floor(now / 1000), windowSeconds: LIMITS.signatureWindowSeconds };
    const explained = explain(check, at);
    const { signature, difference } = explained;
    const { key, refusal } = explained.failure ? NOT_LOOKED_UP : await this.lookUp(signature);
    const failed = explained.failure ? ofSigning(explained.failure) : refusal;
    return {
      serverTime: new Date(now).toISOString(),
      signatureBase: signature?.base ?? null,
      keyId: signature?.keyId ?? null,
      algorithm: signature?.alg ?? null,
      clockSkewSeconds: explained.skewSeconds ?? null,
      key,
      failed: failed ? shown(failed, language) : null,
      difference: difference ?? null,
      nextStep: nextStep(failed, explained, check, language),
    };
  }

  private async lookUp(signature: Explanation['signature']): Promise<{ key: CheckedKey; refusal?: LienThongError }> {
    if (!signature) return NOT_LOOKED_UP;
    const { keyId, alg } = signature;
    const found = UUID.test(keyId)
      ? (await this.ring.session(keyId)) && SESSION_ALGORITHMS
      : (await this.ring.key(keyId))?.algorithms;
    if (!found) return { key: 'unknown', refusal: new LienThongError('unknown_key') };
    if ((found as readonly string[]).includes(alg)) return { key: 'known' };
    return {
      key: 'algorithmNotAllowed',
      refusal: new LienThongError('algorithm_not_allowed', { alg, allowed: found.join(', ') }),
    };
  }
}

const SESSION_ALGORITHMS = ['hmac-sha256'] as const;
const NOT_LOOKED_UP: { key: CheckedKey; refusal?: LienThongError } = { key: 'notLookedUp' };

function explain(check: SignatureCheck, at: { now: number; windowSeconds: number }): Explanation {
  try {
    return explainRequest({ ...requestOf(check), clientBase: check.signatureBase }, at);
  } catch (error) {
    if (error instanceof SignatureError) return { failure: error };
    throw error;
  }
}

/** @throws SignatureError when the text of a request cannot be read */
function requestOf({ http, method, target, headers, body, bodySha256 }: SignatureCheck): RequestToExplain {
  if (http !== undefined) {
    if (method ?? target ?? headers ?? body ?? bodySha256)
      throw invalid('/http', 'unexpected', 'Chỉ dùng http, hoặc chỉ các trường kia.', 'Either http, or the others.');
    return requestOfText(http);
  }
  for (const [name, value] of Object.entries({ method, target, headers }))
    if (value === undefined)
      throw invalid(`/${name}`, 'required', 'Trường này là bắt buộc khi không có http.', 'Required without http.');
  if (body !== undefined && bodySha256 !== undefined)
    throw invalid('/bodySha256', 'unexpected', 'Chỉ body hoặc bodySha256.', 'Either body or bodySha256.');
  const bytes = body === undefined || body === '' ? null : Buffer.from(body, 'base64');
  const request: ReceivedRequest = { method: method!, target: target!, rawHeaders: rawOf(headers!), body: bytes };
  return { ...request, bodySha256 };
}

const rawOf = (headers: Record<string, string | string[]>): string[] =>
  Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one]));

const invalid = (pointer: string, code: string, vi: string, en: string): LienThongError =>
  validationFailed([{ pointer, code, message: { vi, en } }]);

const ofSigning = ({ code, params }: SignatureError): LienThongError => new LienThongError(code, params);

function shown(error: LienThongError, language: Language): NonNullable<SignatureCheckAnswer['failed']> {
  const { code, title, detail } = problemOf(error, language);
  return { code, title, detail };
}

function nextStep(
  failed: LienThongError | undefined,
  { signature, difference }: Explanation,
  { signatureBase }: SignatureCheck,
  language: Language,
): string {
  if (failed) return problemOf(failed, language).detail;
  if (difference) return fill(STEPS.differs[language], difference.line);
  if (signatureBase === undefined) return STEPS.compare[language];
  return STEPS[signature?.alg.startsWith('rsa-') ? 'sameRsa' : 'sameHmac'][language];
}

const fill = (text: string, line: number): string => text.replace('{line}', String(line));

const STEPS = {
  differs: {
    vi: 'Chuỗi ký của bạn khác ở dòng {line}. Dựng lại đúng như signatureBase: các dòng nối bằng một ký tự LF, không có LF ở cuối, đường dẫn và truy vấn nguyên văn.',
    en: 'Your text differs in line {line}. Build it exactly as signatureBase: lines joined by one LF, none at the end, path and query as they are sent.',
  },
  compare: {
    vi: 'Mọi kiểm tra không cần khóa bí mật đều đạt. Nếu vẫn bị từ chối, hãy gửi kèm signatureBase mà chương trình của bạn đã ký để so sánh.',
    en: 'All checks that need no secret pass. If the request is refused all the same, send the signatureBase that your program signed, to have it compared.',
  },
  sameHmac: {
    vi: 'Hai chuỗi ký giống nhau. Nếu vẫn là signature_invalid thì khóa bí mật khác: dùng các byte UTF-8 của chính chuỗi secretKey (không giải base64), kết quả ở base64 chuẩn. Trạng thái khóa chỉ được báo khi gửi chính yêu cầu đó.',
    en: 'Both texts are the same. If it is still signature_invalid, the secret is another: use the UTF-8 bytes of the text of secretKey (do not decode it), the result in standard base64. The state of the key is told only to the request itself.',
  },
  sameRsa: {
    vi: 'Hai chuỗi ký giống nhau. Nếu vẫn là signature_invalid thì khóa riêng không thuộc khóa công khai đã đăng ký, hoặc khác tham số: PSS dùng SHA-512, MGF1-SHA-512, muối 64 byte; v1_5 dùng SHA-256. Trạng thái khóa chỉ được báo khi gửi chính yêu cầu đó.',
    en: 'Both texts are the same. If it is still signature_invalid, the private key is not that of the registered public key, or the parameters differ: PSS takes SHA-512, MGF1 with SHA-512, a salt of 64 bytes; v1_5 takes SHA-256. The state of the key is told only to the request itself.',
  },
} as const;
