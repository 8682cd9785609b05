import { invalid } from './policy';

/** A cursor is opaque to clients: where the page ended. */
export const cursorOf = (position: string): string => Buffer.from(position).toString('base64url');

/** @throws validation_failed for a text that no page ended with */
export function positionOf(cursor: string | undefined, form: RegExp): string | undefined {
  if (cursor === undefined) return undefined;
  const position = Buffer.from(cursor, 'base64url').toString();
  if (!form.test(position))
    throw invalid('?cursor', 'cursor', 'không phải nextCursor của trang trước', 'is not the nextCursor of a page');
  return position;
}
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
