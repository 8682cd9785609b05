import { ERRORS, type ErrorCode, type Language, LienThongError, type Problem, problemOf } from '@lienthong/contracts';

/** Codes for answers that carry no problem document: a proxy in between, or object storage that answers in XML. */
const CODE_OF_STATUS: Partial<Record<number, ErrorCode>> = {
  401: 'signature_invalid',
  403: 'access_denied',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'body_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
  507: 'storage_full',
};

/**
 * An error that the platform (or its storage) answered with: the project's own error with the code of the table, and beside it the HTTP
 * `status` and the `problem` as received. A code that this version does not know keeps its text in `problem.code`.
 */
export class PlatformError extends LienThongError {
  readonly status: number;

  constructor(
    readonly problem: Problem,
    /** Seconds, from `Retry-After`. */
    readonly retryAfterSeconds?: number,
  ) {
    const { type: _type, title: _title, status, detail, instance: _instance, code: _code, ...members } = problem;
    super(knownCode(problem), {}, members);
    this.name = 'PlatformError';
    this.status = status;
    this.message = detail;
  }
}

interface Answer {
  status: number;
  contentType: string;
  retryAfter: string | undefined;
  text: string;
  from: string;
}

/** @returns the error that an answer of 400 or more stands for, whoever made it. */
export function errorOf(answer: Answer, language: Language): PlatformError {
  return new PlatformError(readProblem(answer) ?? inventProblem(answer, language), secondsOf(answer.retryAfter));
}

interface OAuthProblem {
  error?: string;
  error_description?: string;
}

function readProblem({ contentType, text, status }: Answer): Problem | undefined {
  if (!/^application\/(problem\+)?json\b/i.test(contentType)) return undefined;
  try {
    const problem = JSON.parse(text) as Problem & OAuthProblem;
    // The one route that answers by another standard (RFC 6749 5.2).
    if (typeof problem.error === 'string')
      return {
        type: 'about:blank',
        title: problem.error,
        status,
        detail: problem.error_description ?? problem.error,
        code: problem.error,
      };
    return typeof problem.code === 'string' && typeof problem.detail === 'string'
      ? { ...problem, status: problem.status ?? status }
      : undefined;
  } catch {
    return undefined;
  }
}

function inventProblem({ status, text, from }: Answer, language: Language): Problem {
  const code = CODE_OF_STATUS[status] ?? 'internal_error';
  const problem = problemOf(new LienThongError(code), language);
  const why = /<Code>([^<]{1,80})<\/Code>/.exec(text)?.[1];
  return { ...problem, status, detail: `${problem.title}: ${from}, HTTP ${status}${why ? ` (${why})` : ''}.` };
}

/** Two situations share the wire code `digest_mismatch`; the status tells them apart (contracts, wireCode). */
function knownCode({ code, status }: Problem): ErrorCode {
  if (code === 'digest_mismatch' && status === 409) return 'confirmation_mismatch';
  return code in ERRORS ? (code as ErrorCode) : (CODE_OF_STATUS[status] ?? 'internal_error');
}

/** RFC 9110 10.2.3: seconds or an HTTP date. */
function secondsOf(retryAfter: string | undefined): number | undefined {
  if (!retryAfter) return undefined;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter);
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - Date.now()) / 1000);
}
