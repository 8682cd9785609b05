import { LienThongError, type ResendAnswer, type ResendRequest } from '@lienthong/contracts';
import type { PacketCalls } from '../calls/packets';
import type { RetryLimits } from '../transport/retries';
import type { StorageRequests } from '../transport/storage-requests';
import { describeFiles, type FileToSend, type SourceFile } from './source-file';
import { SpaceUpload } from './space-upload';

const PIECES_AT_ONCE = 4;

interface Resender {
  packets: Pick<PacketCalls, 'resend' | 'get' | 'renewSpace' | 'complete'>;
  storage: Pick<StorageRequests, 'put'>;
  limits: RetryLimits;
}

/**
 * Sends a packet again to whom it was not delivered; where its content is deleted, the same files go up into the same packet.
 * @returns with a `space` where files are needed and none was given
 * @throws content_mismatch for a file that is not one of the packet's parts
 */
export async function resendFiles(
  sender: Resender,
  packetId: string,
  request: ResendRequest,
  files: FileToSend[],
  signal?: AbortSignal,
): Promise<ResendAnswer> {
  const answer = await sender.packets.resend(packetId, request);
  if (!answer.space || files.length === 0) return answer;
  const sources = new Map<string, SourceFile>();
  for (const source of await describeFiles(files, () => undefined, signal)) sources.set(source.part.name, source);
  const { parts } = await sender.packets.get(packetId);
  for (const { name, sha256 } of parts) {
    const actual = sources.get(name)?.part.sha256;
    if (actual !== sha256)
      throw new LienThongError('content_mismatch', {
        part: name,
        what: 'sha256',
        declared: sha256,
        actual: actual ?? '–',
      });
  }
  const upload = new SpaceUpload(sender.storage, answer.space, {
    sources,
    renew: () => sender.packets.renewSpace(packetId),
    limits: sender.limits,
    onBytes: () => undefined,
    onStored: async () => undefined,
    parallel: PIECES_AT_ONCE,
    signal,
  });
  const multipart = upload.etags(await upload.run());
  const { state } = await sender.packets.complete(packetId, multipart.length > 0 ? { multipart } : {});
  const { space: _used, ...sent } = answer;
  return { ...sent, state };
}
