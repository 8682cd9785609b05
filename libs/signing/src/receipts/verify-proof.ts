import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { verifySignature } from '../requests/algorithms';
import { digestFits } from '../requests/content-digest';
import { parseSignature } from '../requests/read-signature';

interface Proven {
  event?: unknown;
  deliveryId?: unknown;
  proof?: { by?: unknown };
  detail?: { reported?: unknown };
  request?: {
    method: string;
    path: string;
    signatureInput: string;
    signature: string;
    contentDigest?: string;
    alg: string;
    keyId: string;
    headers?: Record<string, string>;
    publicKey?: JsonWebKey;
    body?: string;
  };
}

const OUTCOMES: Record<string, string> = { 'delivery.accepted': 'accepted', 'delivery.rejected': 'rejected' };

/**
 * Verifies again the destination's own request in a receipt whose `proof` is of a private key (protocol 8): that the signature holds, and that what
 * was signed says what the receipt says.
 * @returns why it does not, in one phrase; undefined when it does, or when the receipt claims no such proof
 */
export function problemOfProof(claims: object): string | undefined {
  const { proof, request, event, deliveryId, detail } = claims as Proven;
  if (proof === undefined) return undefined;
  const byPrivateKey = proof.by === 'privateKey' || proof.by === 'privateKeyDigest';
  try {
    if (!request || request.alg.startsWith('rsa-') !== byPrivateKey)
      return 'claims a proof of another kind than its request is';
    if (!byPrivateKey) return undefined;
    const signed = parseSignature({
      method: request.method,
      target: request.path,
      rawHeaders: rawHeadersOf(request),
      body: request.contentDigest === undefined ? null : Buffer.from('any'),
    });
    const { publicKey, keyId, alg } = request;
    if (signed.keyId !== keyId || signed.alg !== alg)
      return 'names another key or algorithm than the destination signed with';
    const key = createPublicKey({ key: publicKey!, format: 'jwk' });
    if (!verifySignature(signed.alg, { publicKey: key }, signed.base, signed.signature))
      return 'the signature of the destination does not hold';
    if (proof.by === 'privateKeyDigest')
      return request.path === '/v1/deliveries/confirmations' ? undefined : 'lacks the body that the destination signed';
    const outcome = OUTCOMES[String(event)];
    const path = `/v1/deliveries/${String(deliveryId)}/${outcome ? 'confirm' : 'ready'}`;
    if (request.method !== 'POST' || request.path !== path)
      return 'the destination signed another request than the receipt tells of';
    if (!outcome && request.body === undefined) return undefined;
    const body = Buffer.from(request.body ?? '', 'base64');
    if (body.toString('base64') !== request.body || !digestFits(request.contentDigest ?? '', body))
      return 'the body is not the one that the destination signed';
    if (!outcome) return undefined;
    const said = JSON.parse(body.toString()) as { outcome: string; parts: { name: string; sha256: string }[] };
    return said.outcome === outcome && isDeepStrictEqual(byName(said.parts), detail?.reported)
      ? undefined
      : 'the destination signed another outcome or other digests';
  } catch {
    return 'the request of the destination cannot be read';
  }
}

const byName = (parts: { name: string; sha256: string }[]) =>
  parts.map(({ name, sha256 }) => ({ name, sha256 })).toSorted((a, b) => (a.name < b.name ? -1 : 1));

function rawHeadersOf({
  signatureInput,
  signature,
  contentDigest,
  headers = {},
}: NonNullable<Proven['request']>): string[] {
  return Object.entries({
    ...headers,
    'signature-input': signatureInput,
    signature,
    ...(contentDigest === undefined ? {} : { 'content-digest': contentDigest }),
  }).flat();
}
