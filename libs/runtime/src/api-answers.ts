import type { ErrorCode } from '@lienthong/contracts';
import { SetMetadata } from '@nestjs/common';

export const PROBLEMS = 'runtime:problems';

/**
 * What this route may be refused with of its own; the OpenAPI document, and the tests that hold answers to it, read this. What every route of its
 * kind may answer (signature, rate limit, body) is added there and not named here.
 */
export const Problems = (...codes: ErrorCode[]) => SetMetadata(PROBLEMS, codes);

/**
 * The body of an answer for `@ApiOkResponse(answer('SendAnswer', '…'))`.
 * @param name an exported type of contracts: its schema is made from its declaration
 */
export const answer = (name: string, description: string) => ({ description, schema: schemaNamed(name) });

/** As `answer`, for a page of such items (protocol 1). */
export const pageAnswer = (name: string, description: string) => ({
  description,
  schema: {
    type: 'object',
    required: ['items', 'nextCursor'],
    additionalProperties: false,
    properties: {
      items: { type: 'array', items: schemaNamed(name) },
      nextCursor: { type: 'string', nullable: true, description: 'For ?cursor= of the next page; null at the end' },
    },
  },
});

const schemaNamed = (name: string) => ({ $ref: `#/components/schemas/${name}` });
