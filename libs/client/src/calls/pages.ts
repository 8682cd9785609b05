import type { Page } from '@lienthong/contracts';

export interface PageQuery {
  /** Items a page, at most 500. */
  limit?: number;
  cursor?: string;
}

/** Every item of a list, page after page; the next page is asked for only when the loop gets there. */
export async function* everyItem<T>(page: (cursor: string | undefined) => Promise<Page<T>>): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = await page(cursor);
    yield* items;
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
}
