import { createHash, timingSafeEqual } from 'node:crypto';
import { parseDictionary, serializeDictionary, type Dictionary } from 'structured-headers';
import { malformed } from './signature-error';

const HASHES = { 'sha-256': 'sha256', 'sha-512': 'sha512' } as const;

/** @returns the `Content-Digest` header (RFC 9530) of a body: `sha-256=:<base64>:`. A text is taken as UTF-8. */
export function contentDigest(body: Buffer | string): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}

/**
 * Whether a `Content-Digest` header fits the raw body: every SHA-256 and SHA-512 in it must, other algorithms are passed over (RFC 9530 2).
 * @throws SignatureError signature_malformed for what is not canonical, or holds neither.
 */
export function digestFits(header: string, body: Buffer): boolean {
  const digests = parseDigests(header);
  const known = Object.entries(HASHES).filter(([name]) => digests.has(name));
  if (known.length === 0) throw malformed('Content-Digest has neither sha-256 nor sha-512');
  return known.every(([name, hash]) => {
    const [value] = digests.get(name) ?? [];
    if (!(value instanceof ArrayBuffer)) throw malformed(`${name} in Content-Digest is not a byte sequence (:base64:)`);
    const actual = createHash(hash).update(body).digest();
    return value.byteLength === actual.length && timingSafeEqual(Buffer.from(value), actual);
  });
}

function parseDigests(header: string): Dictionary {
  try {
    const digests = parseDictionary(header);
    if (serializeDictionary(digests) === header) return digests;
  } catch {
    // Reported below, like any other form that is not the canonical one.
  }
  throw malformed('Content-Digest is not a canonical dictionary such as sha-256=:<standard base64>:');
}
