import { randomBytes } from 'node:crypto';
import { serializeInnerList } from 'structured-headers';
import { makeSignature, type Algorithm } from './algorithms';
import { contentDigest } from './content-digest';
import { NONCE, KEY_ID } from './parameters';
import { baseOf, requiredComponents, type Message } from './signature-base';
import { malformed } from './signature-error';

export interface SigningKey {
  /** Access key or session id. */
  keyId: string;
  alg: Algorithm;
  /** HMAC: the text whose UTF-8 bytes are the key. */
  secret?: string;
  /** RSA: PKCS #8 or PKCS #1. */
  privateKeyPem?: string;
}

export interface RequestToSign {
  method: string;
  /** The raw path and, if any, `?query`, exactly as they will be sent. */
  target: string;
  /** Only needed for headers that `cover` names; `host` for `@authority`. */
  headers?: Record<string, string>;
  body?: Buffer | string;
}

export interface SigningOptions {
  /** Unix seconds; default now. */
  created?: number;
  /** 16–64 characters of `A–Z a–z 0–9 _ - . ~`; default 144 random bits. */
  nonce?: string;
  /** Header names, or `@authority`, to cover beyond what protocol 3 asks. */
  cover?: string[];
}

/**
 * Signs a request (RFC 9421, profile of protocol 3).
 * @returns the headers to add: `signature-input`, `signature` and, with a body, `content-digest`.
 * @throws SignatureError signature_malformed when the request, an option or the key cannot make a valid signature.
 */
export function signRequest(
  request: RequestToSign,
  key: SigningKey,
  options: SigningOptions = {},
): Record<string, string> {
  const { base, digest, params } = prepare(request, key, options);
  const signature = makeSignature(key.alg, key, base);
  if (!signature)
    throw malformed(`the key has no ${key.alg.startsWith('hmac-') ? 'secret' : 'private key'} to sign with`);
  return {
    ...(digest === undefined ? {} : { 'content-digest': digest }),
    'signature-input': `sig=${params}`,
    signature: `sig=:${signature.toString('base64')}:`,
  };
}

/** @returns the text that {@link signRequest} signs for the same arguments; give `created` and `nonce` to see that of one request. */
export function signatureBase(
  request: RequestToSign,
  key: Pick<SigningKey, 'keyId' | 'alg'>,
  options: SigningOptions = {},
): string {
  return prepare(request, key, options).base;
}

function prepare(
  request: RequestToSign,
  key: Pick<SigningKey, 'keyId' | 'alg'>,
  options: SigningOptions,
): { base: string; digest: string | undefined; params: string } {
  const digest = request.body?.length ? contentDigest(request.body) : undefined;
  const headers = headersOf(request.headers ?? {});
  if (digest !== undefined) headers.set('content-digest', [digest]);
  const required = requiredComponents(digest !== undefined);
  const more = (options.cover ?? []).map((name) => name.toLowerCase()).filter((name) => !required.includes(name));
  const covered = [...new Set([...required, ...more])];
  const params = signatureParams(covered, key, options);
  const message: Message = { method: request.method, target: request.target, headers };
  return { base: baseOf(message, covered, params), digest, params };
}

function headersOf(headers: Record<string, string>): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    byName.set(key, [...(byName.get(key) ?? []), value]);
  }
  return byName;
}

function signatureParams(
  covered: string[],
  { keyId, alg }: Pick<SigningKey, 'keyId' | 'alg'>,
  {
    created = Math.floor(Date.now() / 1000),
    nonce = randomBytes(18).toString('base64url'),
  }: Pick<SigningOptions, 'created' | 'nonce'>,
): string {
  if (!Number.isSafeInteger(created) || created < 0) throw malformed('created must be whole Unix seconds');
  if (!NONCE.test(nonce)) throw malformed('nonce must be 16–64 characters of A–Z a–z 0–9 _ - . ~');
  if (!KEY_ID.test(keyId)) throw malformed('keyid must be 1–255 characters of visible ASCII');
  return serializeInnerList([
    covered.map((name) => [name, new Map()]),
    new Map<string, string | number>([
      ['created', created],
      ['nonce', nonce],
      ['keyid', keyId],
      ['alg', alg],
    ]),
  ]);
}
