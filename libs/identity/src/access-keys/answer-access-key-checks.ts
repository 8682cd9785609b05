import { LienThongError, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '@lienthong/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessKeyVerifier } from './access-key-verifier';
import { ACCESS_KEY_CHECKS, TOKEN_HEADER, type InternalCalls } from './internal-call';

type Handler = (req: IncomingMessage & { body?: unknown }, res: ServerResponse) => Promise<void>;

/**
 * The other end of `RemoteAccessKeyVerifier`, for auth's internal port.
 * @param router takes the route; an Express router whose requests carry `rawBody`
 */
export function answerAccessKeyChecks(
  router: { post(path: string, handler: Handler): unknown },
  verifier: AccessKeyVerifier,
  calls: InternalCalls,
): void {
  // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 passes a rejection to the error handler
  router.post(ACCESS_KEY_CHECKS, async (req, res) => {
    const token = req.headers[TOKEN_HEADER];
    if (!req.rawBody || !calls.isGenuine(String(token), req.rawBody))
      throw new LienThongError('access_denied', { what: ACCESS_KEY_CHECKS });
    const { accessKey, alg, base, signature } = checkOf(req.body);
    const valid = await verifier.verify(accessKey, alg, base, Buffer.from(signature, 'base64'));
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ valid }));
  });
}

interface Check {
  accessKey: string;
  alg: SignatureAlgorithm;
  base: string;
  signature: string;
}

function checkOf(body: unknown): Check {
  const check = (body ?? {}) as Check;
  const texts = [check.accessKey, check.alg, check.base, check.signature];
  const hmac = SIGNATURE_ALGORITHMS.filter((alg) => alg.startsWith('hmac-'));
  if (texts.every((text) => typeof text === 'string') && hmac.includes(check.alg)) return check;
  throw new LienThongError('malformed_request', { why: 'accessKey, alg (HMAC), base, signature' });
}
