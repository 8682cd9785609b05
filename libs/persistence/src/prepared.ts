import { createHash } from 'node:crypto';
import type { QueryConfig } from 'pg';

const names = new Map<string, string>();

/**
 * A statement under a name of its own: PostgreSQL parses it once per connection and soon keeps its plan, which was a third of its work for a small
 * packet (docs/benchmark.md). The texts are a finite set; values never stand in them.
 */
export function prepared(text: string, values: unknown[]): QueryConfig {
  let name = names.get(text);
  if (name === undefined) {
    // PostgreSQL cuts names at 63 bytes.
    name = createHash('sha256').update(text).digest('base64url');
    names.set(text, name);
  }
  return { name, text, values };
}
