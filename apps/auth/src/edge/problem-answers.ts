import { ERRORS, type ErrorCode } from '@lienthong/contracts';
import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';

const SIGNED: ErrorCode[] = [
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

/** The problem documents that a route may answer with (RFC 9457), each with its codes, in the OpenAPI document. */
export function ApiProblems(...codes: ErrorCode[]) {
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))];
  return applyDecorators(
    ...statuses.map((status) => {
      const ofStatus = [...new Set(codes.filter((code) => ERRORS[code].status === status))];
      return ApiResponse({
        status,
        description: ofStatus.map((code) => `\`${code}\`: ${ERRORS[code].title.en}`).join('; '),
        content: {
          'application/problem+json': {
            schema: {
              type: 'object',
              required: ['type', 'title', 'status', 'detail', 'code'],
              properties: {
                type: { type: 'string' },
                title: { type: 'string' },
                status: { type: 'integer', enum: [status] },
                detail: { type: 'string' },
                instance: { type: 'string' },
                code: { type: 'string', enum: ofStatus },
              },
            },
          },
        },
      });
    }),
  );
}

/** As `ApiProblems`, for a route that is signed. */
export const ApiSignedProblems = (...codes: ErrorCode[]) =>
  ApiProblems(...SIGNED, 'rate_limited', 'unavailable', ...codes);

/** As `ApiProblems`, for a route of administrators. */
export const ApiAdminProblems = (...codes: ErrorCode[]) => ApiSignedProblems('access_denied', ...codes);
