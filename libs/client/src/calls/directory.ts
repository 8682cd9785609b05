import type { DirectoryEntry, Page } from '@lienthong/contracts';
import { type Connection, pathOf } from '../transport/connection';
import { everyItem, type PageQuery } from './pages';

export interface DirectoryQuery extends PageQuery {
  /** Part of a name or code; case and Vietnamese accents do not matter. */
  q?: string;
  dataType?: string;
}

/** Whom one can send to (protocol 9). */
export class DirectoryCalls {
  constructor(private readonly connection: Pick<Connection, 'call'>) {}

  page(query: DirectoryQuery = {}): Promise<Page<DirectoryEntry>> {
    return this.connection.call({ method: 'GET', path: '/v1/directory', query: { ...query } });
  }

  search(query: Omit<DirectoryQuery, 'cursor'> = {}): AsyncGenerator<DirectoryEntry> {
    return everyItem((cursor) => this.page({ ...query, cursor }));
  }

  /** An agency or a system, with its presence. */
  get(address: string): Promise<DirectoryEntry> {
    return this.connection.call({ method: 'GET', path: pathOf('v1', 'directory', address) });
  }
}
