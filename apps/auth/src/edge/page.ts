import { LIMITS, LienThongError, type Page } from '@lienthong/contracts';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

export class PageDto {
  @ApiPropertyOptional({ minimum: 1, maximum: LIMITS.listItems, default: LIMITS.listItemsDefault })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(LIMITS.listItems)
  limit: number = LIMITS.listItemsDefault;

  @ApiPropertyOptional({ description: 'nextCursor of the page before' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  cursor?: string;
}

/** A cursor is opaque to clients: where the page ended. */
const cursorOf = (position: string): string => Buffer.from(position).toString('base64url');

/** Codes, system ids and UUIDs. */
const POSITION = /^[A-Za-z0-9./-]{1,100}$/;

/** @throws LienThongError validation_failed for a text that no page ended with */
export function positionOf(cursor: string | undefined, form = POSITION): string | undefined {
  if (cursor === undefined) return undefined;
  const position = Buffer.from(cursor, 'base64url').toString();
  if (form.test(position)) return position;
  const message = { vi: 'Không phải nextCursor của trang trước.', en: 'Is not the nextCursor of a page.' };
  throw new LienThongError(
    'validation_failed',
    { count: 1 },
    { errors: [{ pointer: '?cursor', code: 'cursor', message }] },
  );
}

/**
 * Reads one item more than asked for, so that the last page says that it is the last.
 * @param nameOf what the next page begins after
 */
export async function pageOf<T>(
  limit: number,
  read: (limit: number) => Promise<T[]>,
  nameOf: (item: T) => string,
): Promise<Page<T>> {
  const items = await read(limit + 1);
  if (items.length <= limit) return { items, nextCursor: null };
  items.pop();
  return { items, nextCursor: cursorOf(nameOf(items[items.length - 1])) };
}
