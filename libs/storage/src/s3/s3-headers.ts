import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { splitKey } from '../object-key';
import type { Finding, StoredPart } from '../storage';

/** The headers of a PUT of this part, all under the signature, all to be sent by the client. */
export const putHeaders = (part: StoredPart): Record<string, string> => ({
  'content-length': String(part.size),
  'content-type': part.mediaType,
  'x-amz-checksum-sha256': part.sha256,
});

/** What a HEAD with checksums tells. A digest of digests (`…-3`, of a multipart upload) tells nothing about the content. */
export function findingOf(part: StoredPart, head: HeadObjectCommandOutput | null): Finding {
  if (!head) return 'missing';
  if (head.ContentLength !== part.size) return 'size';
  const sha256 = head.ChecksumSHA256;
  return sha256 === undefined || sha256.includes('-') || sha256 === part.sha256 ? 'whole' : 'digest';
}

/** Put together from pieces by us: no address lets anybody write to it, since its upload is gone and no PUT was ever signed for it. */
export const isMultipart = (head: HeadObjectCommandOutput): boolean => /-[0-9]+"?$/.test(head.ETag ?? '');

/** Where a verified copy lies when the store does not enforce digests; under the packet's own prefix, so that a purge needs one list. */
export function sealedKey(part: StoredPart): string {
  const { packetId, name } = splitKey(part.key);
  return `packets/${packetId}/sealed/${name}`;
}
