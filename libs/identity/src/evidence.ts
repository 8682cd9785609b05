import { type ProofKind, PROOFS, type ReceiptClaims } from '@lienthong/contracts';
import type { Caller } from './caller';

/**
 * What a receipt carries of the destination's request, and what that proves (protocol 8).
 * @param alone false where the body speaks of other packets too: it is then not shown to the parties of this one
 */
export function evidenceOf(
  { request, body }: Pick<Caller, 'request' | 'body'>,
  { alone = true }: { alone?: boolean } = {},
): Required<Pick<ReceiptClaims, 'request' | 'proof'>> {
  const by = kindOf(request.alg, alone);
  const whole = by === 'privateKey' && body ? { ...request, body: body.toString('base64') } : request;
  return { request: whole, proof: { by, statement: PROOFS[by] } };
}

function kindOf(alg: string, alone: boolean): ProofKind {
  if (alg === 'bearer') return 'nothing';
  if (!alg.startsWith('rsa-')) return 'sharedSecret';
  return alone ? 'privateKey' : 'privateKeyDigest';
}
