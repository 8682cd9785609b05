import { CLOSE } from '@lienthong/contracts';
import { codesOf, problemResponses } from './problem-answers';

export const DESCRIPTION = `Asynchronous exchange of liên thông packets between government agencies.

**Signatures.** Every request is signed by RFC 9421 (HTTP Message Signatures), label \`sig\`, save where no security is shown. Covered, in this order: \`"@method" "@path" "@query"\`, then \`"content-digest"\` (RFC 9530) when there is a body. Parameters: \`created\`, \`nonce\`, \`keyid\`, \`alg\`. How to: docs/integrator.md; complete cases: docs/test-vectors.

**Errors** are problem documents (RFC 9457) with a stable \`code\`; \`Accept-Language: vi\` (default) or \`en\` chooses the language of the texts.

**Lists** take \`limit\` and \`cursor\`; \`nextCursor\` is null at the end. **Limits** are in \`x-limits\` and at \`GET /v1/limits\`.`;

/** In the order in which a newcomer needs them. */
export const TAGS = [
  ['sessions', 'S1, S5'],
  ['sending', 'S2–S4, by the source'],
  ['receiving', 'S5–S7, by the destination'],
  ['packets', 'What became of a packet, and the evidence of it; for source and destinations'],
  ['events', 'The stream of a system; its WebSocket is in the AsyncAPI document'],
  ['evidence', 'What receipts are verified with'],
  ['directory', 'Who there is'],
  ['documentation', 'Limits'],
  ['administration', 'For administrators’ keys'],
  ['operation', 'Health and metrics, of each app'],
];

/** A request carries both headers. */
export const SIGNED = { signatureInput: [], signature: [] };

const header = (name: string, description: string) => ({ type: 'apiKey', in: 'header', name, description });
export const SECURITY_SCHEMES = {
  signatureInput: header(
    'Signature-Input',
    'RFC 9421: `sig=("@method" "@path" "@query" "content-digest");created=1790000000;nonce="n-0123456789abcdef";keyid="AKEXAMPLE";alg="hmac-sha256"`. ' +
      '`keyid` is an access key or a session id; `content-digest` is covered when there is a body.',
  ),
  signature: header('Signature', 'RFC 9421: `sig=:<base64>:`, over the signature base that Signature-Input describes'),
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'at+jwt (RFC 9068)',
    description:
      'Token of POST /oauth2/token, for keys marked bearer. It opens the calls that name it, for packets of the data types in its scope (`*`: all). Other calls answer 401 `token_not_accepted`.',
  },
  client: { type: 'http', scheme: 'basic', description: 'Access key and secret, of POST /oauth2/token only' },
};

const json = (description: string, schema: object) => ({ description, content: { 'application/json': { schema } } });
const text = { type: 'string' };
const status = {
  type: 'object',
  required: ['status', 'checks'],
  properties: {
    status: { type: 'string', enum: ['ready', 'not ready', 'draining'] },
    checks: { type: 'object' },
    warnings: { type: 'object', description: 'What is not right and keeps nobody from being served' },
  },
};
const open = { tags: ['operation'], security: [] };

/** Routes that are no controllers: they stand before Nest, or are no answers in the sense of HTTP. */
export const PLAIN_ROUTES = {
  '/v1/stream': {
    get: {
      operationId: 'stream',
      tags: ['events'],
      summary: 'The WebSocket of the system’s events; its frames are in the AsyncAPI document',
      description: `The upgrade is signed like any request, or carries a ticket of \`POST /v1/stream-tickets\`. Close codes: ${Object.entries(
        CLOSE,
      )
        .map(([name, code]) => `${code} ${name}`)
        .join(', ')}.`,
      parameters: [
        {
          name: 'from',
          in: 'query',
          schema: { ...text, pattern: '^\\d{1,15}$' },
          description: 'Events after this offset',
        },
        { name: 'ticket', in: 'query', schema: text, description: 'In place of a signature' },
      ],
      security: [SIGNED, {}],
      responses: {
        101: { description: 'The stream is open' },
        ...problemResponses(
          codesOf(['upgrade_required'], { signed: true, restricted: true, body: false, parameters: true }),
        ),
      },
    },
  },
  '/healthz': {
    get: {
      ...open,
      operationId: 'healthz',
      summary: 'The process is alive',
      responses: {
        200: json('Alive', {
          type: 'object',
          required: ['status', 'app', 'version', 'uptimeSeconds'],
          properties: {
            status: { type: 'string', enum: ['ok'] },
            app: text,
            version: text,
            uptimeSeconds: { type: 'integer' },
          },
        }),
      },
    },
  },
  '/readyz': {
    get: {
      ...open,
      operationId: 'readyz',
      summary: 'What it depends on answers; on the internal port where one is set',
      responses: {
        200: json('Ready', status),
        503: json('Not ready, or draining', status),
        ...problemResponses(['not_found']),
      },
    },
  },
  '/metrics': {
    get: {
      ...open,
      operationId: 'metrics',
      summary: 'Prometheus; on the internal port where one is set',
      responses: {
        200: { description: 'Text format', content: { 'text/plain': { schema: text } } },
        ...problemResponses(['not_found']),
      },
    },
  },
};
