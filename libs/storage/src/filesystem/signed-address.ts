import { createHmac, timingSafeEqual } from 'node:crypto';
import { LienThongError } from '@lienthong/contracts';
import { splitKey } from '../object-key';

/** What an address lets its holder do. Everything in it is under the signature, and a method does only its own operation. */
export type Permission =
  | { operation: 'put'; key: string; size: number; sha256: string; mediaType: string }
  | { operation: 'piece'; key: string; uploadId: string; partNumber: number; size: number }
  | { operation: 'get'; key: string; size: number; sha256: string; mediaType: string; fileName: string };

export const STORAGE_PATH = '/storage/';

const METHODS = { put: ['PUT'], piece: ['PUT'], get: ['GET', 'HEAD'] } as const;

/** Addresses of the platform itself that need no other credential: like a presigned address of S3, for the embedded default. */
export class SignedAddresses {
  /** @param publicUrl origin (and prefix, if the proxy in front takes one off) that clients reach; @param secret at least 32 bytes; @param now milliseconds */
  constructor(
    private readonly publicUrl: string,
    private readonly secret: string,
    private readonly now: () => number,
  ) {}

  sign(permission: Permission, expiresInSeconds: number): string {
    const { key, ...fields } = permission;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) query.set(name, String(value));
    query.set('expires', String(Math.floor(this.now() / 1000) + expiresInSeconds));
    query.set('signature', this.signature(key, query).toString('base64url'));
    return `${this.publicUrl.replace(/(?<!\/)\/+$/, '')}${STORAGE_PATH}${key}?${query}`;
  }

  /**
   * @param target path and query as received. The signature is compared before anything in the query is looked at.
   * @throws `upload_refused` for whatever is not an unexpired address of ours for this method
   */
  verify(method: string, target: string): Permission {
    const cut = target.indexOf('?');
    const path = cut < 0 ? target : target.slice(0, cut);
    if (!path.startsWith(STORAGE_PATH) || cut < 0) throw new LienThongError('upload_refused');
    const key = path.slice(STORAGE_PATH.length);
    const query = new URLSearchParams(target.slice(cut));
    const given = Buffer.from(query.get('signature') ?? '', 'base64url');
    query.delete('signature');
    const expected = this.signature(key, query);
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new LienThongError('upload_refused');

    const { operation, expires, ...fields } = Object.fromEntries(query);
    const methods: readonly string[] = METHODS[operation as Permission['operation']];
    if (!methods.includes(method) || this.now() >= Number(expires) * 1000) throw new LienThongError('upload_refused');
    splitKey(key);
    const numbers = { size: Number(fields.size), partNumber: Number(fields.partNumber) };
    return { ...fields, ...numbers, operation, key } as Permission;
  }

  private signature(key: string, query: URLSearchParams): Buffer {
    const sorted = new URLSearchParams(query);
    sorted.sort();
    return createHmac('sha256', this.secret).update(`lienthong storage address v1\n${key}\n${sorted}`).digest();
  }
}
