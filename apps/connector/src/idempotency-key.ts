import { LIMITS } from '@lienthong/contracts';
import type { Request } from 'express';
import { invalid } from './policy';

/** 1–255 visible ASCII characters. */
const IDEMPOTENCY_KEY = new RegExp(`^[\\x21-\\x7e]{1,${LIMITS.idempotencyKeyCharacters}}$`);

/** @returns the request's `Idempotency-Key`, null without one. @throws validation_failed for one that is none (protocol 1) */
export function idempotencyKeyOf(request: Pick<Request, 'get'>): string | null {
  const key = request.get('idempotency-key') ?? null;
  if (key !== null && !IDEMPOTENCY_KEY.test(key))
    throw invalid(
      'Idempotency-Key',
      'matches',
      'gồm 1–255 ký tự ASCII nhìn thấy được, không có dấu cách',
      '1–255 visible ASCII characters',
    );
  return key;
}
