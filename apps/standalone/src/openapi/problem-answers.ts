import { ERRORS, type ErrorCode, LienThongError, problemOf, wireCode } from '@lienthong/contracts';

/** Codes that a signed request may get (protocol 3). */
const SIGNATURE: ErrorCode[] = [
  'signature_missing',
  'signature_malformed',
  'signature_incomplete',
  'digest_mismatch',
  'unknown_key',
  'key_revoked',
  'key_expired',
  'algorithm_not_allowed',
  'signature_invalid',
  'clock_skew',
  'replayed_request',
  'session_expired',
];
const ANY: ErrorCode[] = ['malformed_request', 'rate_limited', 'internal_error', 'unavailable', 'overloaded'];
const BODY: ErrorCode[] = [
  'validation_failed',
  'malformed_json',
  'request_timeout',
  'body_too_large',
  'unsupported_media_type',
];

export interface RouteKind {
  signed: boolean;
  /** Only for administrators, or only for systems. */
  restricted: boolean;
  body: boolean;
  parameters: boolean;
}

/** Every code that a route may answer with: its own, and those of its kind. */
export const codesOf = (
  own: readonly ErrorCode[],
  { signed, restricted, body, parameters }: RouteKind,
): ErrorCode[] => [
  ...ANY,
  ...(signed ? SIGNATURE : []),
  ...(restricted ? (['access_denied'] as const) : []),
  ...(body ? BODY : []),
  ...(parameters ? (['validation_failed'] as const) : []),
  ...own,
];

/** The responses of OpenAPI for these codes, one per status; what they say stands once, in `components.responses`. */
export function problemResponses(codes: readonly ErrorCode[]): Record<string, { $ref: string }> {
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))].toSorted();
  return Object.fromEntries(
    statuses.map((status) => {
      const ofStatus = [...new Set(codes)].filter((code) => ERRORS[code].status === status).toSorted();
      const many = SIGNED_OR[TOKENS.findIndex((code) => ofStatus.includes(code)) + 1];
      const name = `${status}.${ofStatus.length > 5 ? many : ofStatus.join('.')}`;
      PROBLEM_RESPONSES[name] ??= responseOf(status, ofStatus);
      return [status, { $ref: `#/components/responses/${name}` }];
    }),
  );
}

/** What a signed route may answer to a token tells its set of codes from the others. */
const TOKENS: ErrorCode[] = ['token_invalid', 'token_not_accepted'];
const SIGNED_OR = ['signature', 'signature.bearer', 'signature.only'];

/** Those that some route may answer with, by name. */
export const PROBLEM_RESPONSES: Record<string, unknown> = {};

function responseOf(status: number, codes: ErrorCode[]) {
  const names = codes.map((code) => wireCode(new LienThongError(code)));
  const schema = {
    allOf: [{ $ref: '#/components/schemas/Problem' }],
    properties: { status: { type: 'integer', enum: [status] }, code: { type: 'string', enum: names } },
  };
  return {
    description: codes.map((code, index) => `\`${names[index]}\`: ${ERRORS[code].title.en}`).join('; '),
    ...(status === 429 || status === 503 ? { headers: RETRY_AFTER } : {}),
    content: {
      'application/problem+json': {
        schema,
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

const RETRY_AFTER = { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } };

/** What stands in the examples in place of the parameters of the texts. */
const SAMPLE = {
  action: 'complete',
  actual: 1_200_000,
  alg: 'hmac-sha1',
  allowed: 'hmac-sha256',
  count: 1,
  declared: 368_123,
  expiresAt: '2026-10-01T08:00:00.000Z',
  limit: 1_048_576,
  method: 'PUT',
  missing: 'nonce',
  needed: 'edxml.document',
  packetId: '019a0000-0000-7000-8000-000000000000',
  parts: 'congvan.pdf',
  part: 'congvan.pdf',
  reference: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  retryAfter: 5,
  seconds: 20,
  serverTime: '2026-10-01T08:00:00.000Z',
  state: 'completed',
  what: 'H01.99',
  why: '…',
  window: 300,
};

export const PROBLEM_EXAMPLES = Object.fromEntries(
  (Object.keys(ERRORS) as ErrorCode[]).map((code) => [
    code,
    { summary: ERRORS[code].title.en, value: problemOf(new LienThongError(code, SAMPLE), 'vi', '/v1/…') },
  ]),
);

const text = { type: 'string' };
const whole = { type: 'integer' };
export const PROBLEM = {
  type: 'object',
  description: 'RFC 9457. Further members depend on the code.',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string', example: 'urn:lienthong:error:not_found' },
    title: text,
    status: whole,
    detail: {
      type: 'string',
      description: 'What happened and what to do next, in the language of Accept-Language (vi, en)',
    },
    instance: { type: 'string', description: 'The path of the request' },
    code: { type: 'string', description: 'Stable; decide by it' },
    errors: {
      type: 'array',
      description: 'With validation_failed',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'message'],
        additionalProperties: false,
        properties: {
          pointer: { type: 'string', description: 'JSON pointer into the body, or ?name of the query' },
          code: text,
          message: text,
          limit: { type: 'number', description: 'The limit that was passed' },
          actual: { type: 'number', description: 'What came' },
        },
      },
    },
    limit: { ...whole, description: 'With codes about limits' },
    actual: { ...whole, description: 'With codes about limits' },
    retryAfter: { ...whole, description: 'Seconds, with 429 and 503' },
    serverTime: { ...text, format: 'date-time', description: 'With clock_skew' },
    state: { ...text, description: 'With wrong_state and not_ready: the state it is in' },
    parts: {
      type: 'array',
      items: { oneOf: [text, { type: 'object', properties: { part: text, reason: text } }] },
      description: 'The parts that are missing or different',
    },
    recipients: {
      type: 'array',
      items: { $ref: '#/components/schemas/Recipient' },
      description: 'With recipients_refused',
    },
    packetId: { ...text, format: 'uuid', description: 'With codes about the Idempotency-Key' },
    allowed: { type: 'array', items: text, description: 'With algorithm_not_allowed' },
    reference: { ...text, description: 'With internal_error: what to tell the operator' },
  },
};
