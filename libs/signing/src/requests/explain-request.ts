import { parseSignature, readSignature, type ReceivedRequest, type ReceivedSignature } from './read-signature';
import { SignatureError } from './signature-error';

export interface RequestToExplain extends ReceivedRequest {
  /** Standard base64, when only the digest of the body is known and not the body. */
  bodySha256?: string;
  /** The signature base as the client built it. */
  clientBase?: string;
}

/** Where two signature bases part. */
export interface Difference {
  /** Bytes (UTF-8) before the first that differs. */
  offset: number;
  /** From 1. */
  line: number;
  /** Both from a little before the difference; empty where a text ends there. */
  expected: string;
  given: string;
}

export interface Explanation {
  /** What is read of the signature; undefined when its headers cannot be read. */
  signature?: Omit<ReceivedSignature, 'signature'>;
  /** `created` less the time of the one who explains, in seconds. */
  skewSeconds?: number;
  /** The first check that fails, of those that need no key. */
  failure?: SignatureError;
  /** Undefined when the texts are the same, or one is missing. */
  difference?: Difference;
}

/**
 * What a server would make of a request before it looks for the key: the text it would verify, the first check that fails, and where the client's own
 * text parts from it. Needs no secret, and does not tell whether the signature is right.
 * @param at as for {@link readSignature}
 */
export function explainRequest(request: RequestToExplain, at: { now: number; windowSeconds: number }): Explanation {
  const { bodySha256, clientBase } = request;
  const received = { ...request, body: bodySha256 === undefined ? request.body : UNKNOWN_BODY };
  const read = attempt(() => parseSignature(received));
  if (read instanceof SignatureError) return { failure: read };
  const checked = attempt(() => readSignature(received, at));
  const failure = checked instanceof SignatureError ? checked : undefined;
  const { signature: _, ...signature } = read;
  const difference = clientBase === undefined ? undefined : differenceOf(read.base, clientBase);
  return {
    signature,
    skewSeconds: read.created - at.now,
    ...(failure && !isExcused(failure, received, bodySha256) && { failure }),
    ...(difference && { difference }),
  };
}

/** Stands for a body of which only the digest is known: there is one, and its bytes fit no digest. */
const UNKNOWN_BODY = Buffer.from([0]);

/** With the digest in place of the body, that the body does not fit says nothing; the digest is compared instead. */
function isExcused({ code }: SignatureError, { rawHeaders }: ReceivedRequest, sha256: string | undefined): boolean {
  if (code !== 'digest_mismatch' || sha256 === undefined) return false;
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-digest');
  return rawHeaders[at + 1].includes(`sha-256=:${sha256}:`);
}

function attempt<T>(work: () => T): T | SignatureError {
  try {
    return work();
  } catch (error) {
    if (error instanceof SignatureError) return error;
    throw error;
  }
}

const BEFORE = 20;
const SHOWN = 60;

/** @returns undefined when both are the same bytes */
export function differenceOf(expected: string, given: string): Difference | undefined {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  if (a.equals(b)) return undefined;
  let offset = 0;
  while (offset < a.length && offset < b.length && a[offset] === b[offset]) offset++;
  const from = Math.max(0, offset - BEFORE);
  const excerpt = (bytes: Buffer) => bytes.subarray(from, from + SHOWN).toString();
  const line = a.subarray(0, offset).toString('latin1').split('\n').length;
  return { offset, line, expected: excerpt(a), given: excerpt(b) };
}
