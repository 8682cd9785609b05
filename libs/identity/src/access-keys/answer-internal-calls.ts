import { LienThongError, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '@lienthong/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DayKeys } from '../keys/day-keys';
import type { AccessKeyVerifier } from './access-key-verifier';
import { ACCESS_KEY_CHECKS, DAY_KEYS, WEBHOOK_SECRETS } from './ask-auth';
import { TOKEN_HEADER, type InternalCalls } from './internal-call';
import { answerWebhookSecret, type WebhookSecrets } from './webhook-secrets';

type Handler = (req: IncomingMessage & { body?: unknown }, res: ServerResponse) => Promise<void>;

/** What auth holds of secrets, and answers with. */
interface Answering {
  verifier: AccessKeyVerifier;
  dayKeys: Pick<DayKeys, 'of'>;
  webhookSecrets: WebhookSecrets;
}

/**
 * The other end of `AskAuth`, for auth's internal port.
 * @param router takes the routes; an Express router whose requests carry `rawBody`
 */
export function answerInternalCalls(
  router: { post(path: string, handler: Handler): unknown },
  { verifier, dayKeys, webhookSecrets }: Answering,
  calls: InternalCalls,
): void {
  const answer = (path: string, work: (body: unknown) => Promise<object>): void => {
    // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 passes a rejection to the error handler
    router.post(path, async (req, res) => {
      const token = req.headers[TOKEN_HEADER];
      if (!req.rawBody || !calls.isGenuine(String(token), req.rawBody))
        throw new LienThongError('access_denied', { what: path });
      const content = JSON.stringify(await work(req.body));
      res.setHeader('content-type', 'application/json');
      res.end(content);
    });
  };
  answer(ACCESS_KEY_CHECKS, async (body) => {
    const { accessKey, alg, base, signature } = checkOf(body);
    return { valid: await verifier.verify(accessKey, alg, base, Buffer.from(signature, 'base64')) };
  });
  answer(DAY_KEYS, async (body) => ({ key: (await dayKeys.of(dayOf(body))).toString('base64url') }));
  answer(WEBHOOK_SECRETS, (body) => answerWebhookSecret(webhookSecrets, body));
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

function dayOf(body: unknown): string {
  const { day } = (body ?? {}) as { day?: unknown };
  if (typeof day === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(day)) return day;
  throw new LienThongError('malformed_request', { why: 'day: YYYY-MM-DD' });
}
