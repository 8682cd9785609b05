import { isCanonicalJws, keySetOf, verifyJws } from './compact-jws';
import { RECEIPT_TYPE, receiptHash } from './sign-receipt';
import { problemOfProof } from './verify-proof';

export interface ReceiptsToVerify {
  packetId: string;
  receipts: { jws: string }[];
}

/** `index` counts receipts from 0; -1 is the bundle as a whole. */
export interface ReceiptProblem {
  index: number;
  problem: string;
}

/**
 * Checks a packet's receipts, offline, against a saved JWKS (protocol 8): each signature (EdDSA or PS256, by a key of the set), its type, packet and
 * `jti`, the chain of `prev` from null on, and the destination's own signature where the receipt claims it. A chain shows that nothing was changed, inserted or taken out before its end; that it was cut
 * short at the end only a later receipt could show.
 * @returns every problem found, and the claims of those receipts whose signature holds, in order. Throws only for a JWKS that is none.
 */
export async function verifyReceipts(
  bundle: ReceiptsToVerify,
  jwks: { keys: object[] },
): Promise<{ valid: boolean; problems: ReceiptProblem[]; claims: object[] }> {
  const problems: ReceiptProblem[] = [];
  const claims: object[] = [];
  const jtis = new Set<unknown>();
  const keys = keySetOf(jwks);
  const receipts: unknown = bundle.receipts;
  if (!Array.isArray(receipts) || receipts.length === 0) {
    return { valid: false, problems: [{ index: -1, problem: 'the bundle holds no receipt' }], claims };
  }
  let prev: string | null = null;
  for (const [index, receipt] of receipts.entries()) {
    const note = (problem: string): unknown => problems.push({ index, problem });
    const jws: unknown = receipt?.jws;
    if (typeof jws !== 'string' || !isCanonicalJws(jws)) {
      note('not a compact JWS');
      prev = typeof jws === 'string' ? receiptHash(jws) : null;
      continue;
    }
    try {
      const payload = await verifyJws(jws, RECEIPT_TYPE, keys);
      claims.push(payload);
      if (payload.packetId !== bundle.packetId) note(`is of packet ${String(payload.packetId)}`);
      if (typeof payload.jti !== 'string' || payload.jti === '') note('has no jti');
      else if (jtis.has(payload.jti)) note(`repeats jti ${payload.jti}`);
      jtis.add(payload.jti);
      if (payload.prev !== prev)
        note(index === 0 ? 'is not the first of its packet' : 'does not follow the one before it');
      const unproven = problemOfProof(payload);
      if (unproven) note(unproven);
    } catch (error) {
      note(error instanceof Error ? error.message : String(error));
    }
    prev = receiptHash(jws);
  }
  return { valid: problems.length === 0, problems, claims };
}
