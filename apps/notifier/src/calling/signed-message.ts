import { Webhook } from 'standardwebhooks';

/**
 * Headers of a message by the Standard Webhooks specification; the id stays the same when it is sent again.
 * @param secrets `whsec_…`; each signs, so that a receiver that knows one of them is content
 * @param id of the message: the event's
 * @param now milliseconds: receivers take a message of the last five minutes
 */
export function signedHeaders(
  secrets: readonly string[],
  id: string,
  body: string,
  now: number,
): Record<string, string> {
  const at = new Date(now);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
  };
}
