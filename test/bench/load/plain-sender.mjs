// One signed request at a time, and no second try: what a crowd of clients does that hears no.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { signRequest } from '@lienthong/signing';
import { Agent, request } from 'undici';

export const CONTENT_BYTES = 4096;

/** @param key `{ accessKey, secretKey }` of the system that calls */
export function plainSender(baseUrl, { accessKey, secretKey }) {
  const dispatcher = new Agent({ connections: 256, pipelining: 1 });
  const key = { keyId: accessKey, alg: 'hmac-sha256', secret: secretKey };
  /** Signed now; sends the same bytes each time it is called. */
  const signed = (method, target, headers, body) => {
    const signature = signRequest({ method, target, body }, key, { created: Math.floor(Date.now() / 1000) });
    const options = { method, headers: { ...headers, ...signature }, body, dispatcher };
    return async () => {
      const began = performance.now();
      const answer = await request(baseUrl + target, options);
      const document = await answer.body.json();
      return {
        ms: performance.now() - began,
        status: answer.statusCode,
        retryAfter: Number(answer.headers['retry-after']),
        document,
      };
    };
  };
  return {
    get: (target) => signed('GET', target, {})(),
    /** @returns what sends a packet of 4 KiB in one request, the same one each time */
    packet(to, priority = 'normal') {
      const content = randomBytes(CONTENT_BYTES);
      const part = {
        name: 'a.bin',
        mediaType: 'application/octet-stream',
        size: CONTENT_BYTES,
        sha256: createHash('sha256').update(content).digest('base64'),
        content: content.toString('base64'),
      };
      const body = JSON.stringify({
        to: [to],
        title: 'Quá tải',
        dataType: 'file',
        protocol: 'inline',
        priority,
        parts: [part],
      });
      const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
      return signed('POST', '/v1/packets', headers, body);
    },
    send(to, priority) {
      return this.packet(to, priority)();
    },
    close: () => dispatcher.close(),
  };
}
