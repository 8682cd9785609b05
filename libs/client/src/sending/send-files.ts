import {
  LIMITS,
  LienThongError,
  type PacketState,
  type Part,
  type Policy,
  type Priority,
  type Recipient,
  type SendAnswer,
  type SendRequest,
  type TransferProtocol,
} from '@lienthong/contracts';
import type { PacketCalls } from '../calls/packets';
import type { RetryLimits } from '../transport/retries';
import { counter, type TransferProgress } from '../transport/transfer-progress';
import { describeFiles, type FileToSend, type SourceFile } from './source-file';
import { SpaceUpload } from './space-upload';
import type { StorageRequests } from '../transport/storage-requests';
import { UploadMemory } from './upload-memory';

/** From this size of a part on, `auto` uploads in pieces, which can be resumed. */
const MULTIPART_FROM_BYTES = 64 * 1024 * 1024;
const PIECES_AT_ONCE = 4;

export interface SendFilesRequest {
  /** Agency codes or system ids. */
  to: string | string[];
  title: string;
  /** Default `file`. */
  dataType?: string;
  priority?: Priority;
  files: FileToSend[];
  inReplyTo?: string;
  policy?: Policy;
  /** Default `auto`: `inline` up to 256 KiB in all, `multipart` when a part has 64 MiB or more, else `put`. */
  protocol?: TransferProtocol | 'auto';
}

export interface SendFilesOptions {
  onProgress?: (progress: TransferProgress) => void;
  /** Where the state of a multipart upload is kept; default beside the first file, as `<file>.lienthong-upload.json`. */
  stateFolder?: string;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface SentFiles {
  packetId: string;
  state: PacketState;
  recipients: Recipient[];
  parts: Part[];
  protocol: TransferProtocol;
  /** The importance in force, and what was asked for, where the quota of urgent packets was used up. */
  priority?: Priority;
  askedPriority?: Priority;
  /** An interrupted upload was carried on. */
  resumed: boolean;
}

export interface Sender {
  packets: Pick<PacketCalls, 'send' | 'renewSpace' | 'complete'>;
  storage: Pick<StorageRequests, 'put'>;
  origin: string;
  limits: RetryLimits;
}

/** S2 to the completion for files of any size, streamed from disk. Run again after an interruption, it goes on where it stopped. */
export async function sendFiles(
  sender: Sender,
  asked: SendFilesRequest,
  options: SendFilesOptions = {},
): Promise<SentFiles> {
  const { signal } = options;
  const hashed = counter('hash', options, new Map());
  const sources = await describeFiles(asked.files, hashed, signal);
  const parts = sources.map(({ part }) => part);
  const protocol = protocolFor(asked.protocol ?? 'auto', parts);
  const request = requestFor(asked, parts, protocol);

  if (protocol === 'inline') {
    const content = await Promise.all(sources.map(inlined));
    const answer = await sender.packets.send({ ...request, parts: content }, options);
    return result(answer, parts, protocol, false);
  }

  const firstFile = protocol === 'multipart' ? sources.find(({ path }) => path !== undefined)?.path : undefined;
  const memory = await UploadMemory.open(firstFile, request, { origin: sender.origin, ...options });
  const answer = await openSpace(sender, request, memory, options);
  const resumed = memory.resumed && Object.keys(memory.stored).length > 0;
  if (answer.space) {
    const sizes = new Map(parts.map(({ name, size }) => [name, size]));
    const upload = new SpaceUpload(sender.storage, answer.space, {
      sources: new Map(sources.map((source) => [source.part.name, source])),
      renew: () => sender.packets.renewSpace(answer.packetId),
      limits: sender.limits,
      onBytes: counter('upload', options, sizes),
      onStored: (stored) => memory.keep({ stored }),
      parallel: PIECES_AT_ONCE,
      signal,
    });
    answer.state = await uploadAndComplete(sender, answer.packetId, upload, memory);
  }
  await memory.forget();
  return result(answer, parts, protocol, resumed);
}

async function openSpace(
  sender: Sender,
  request: SendRequest,
  memory: UploadMemory,
  { idempotencyKey, signal }: SendFilesOptions,
): Promise<SendAnswer> {
  await memory.keep({});
  const ask = () => sender.packets.send(request, { idempotencyKey: memory.idempotencyKey, signal });
  let answer = await ask();
  if (memory.resumed && !idempotencyKey && (answer.state === 'expired' || answer.state === 'recalled')) {
    await memory.startOver();
    answer = await ask();
  }
  await memory.keep({ packetId: answer.packetId });
  return answer;
}

/** Pieces that were remembered as stored may have been swept meanwhile: then the platform says so, and all goes up once more. */
async function uploadAndComplete(
  sender: Sender,
  packetId: string,
  upload: SpaceUpload,
  memory: UploadMemory,
): Promise<PacketState> {
  const complete = async (): Promise<PacketState> => {
    const multipart = upload.etags(await upload.run(memory.stored));
    return (await sender.packets.complete(packetId, multipart.length > 0 ? { multipart } : {})).state;
  };
  try {
    return await complete();
  } catch (error) {
    if (!(error instanceof LienThongError) || error.code !== 'content_incomplete' || !memory.resumed) throw error;
    await memory.keep({ stored: {} });
    await upload.renew();
    return complete();
  }
}

function protocolFor(asked: TransferProtocol | 'auto', parts: Part[]): TransferProtocol {
  if (asked !== 'auto') return asked;
  if (parts.reduce((sum, { size }) => sum + size, 0) <= LIMITS.inlineContentBytes) return 'inline';
  return parts.some(({ size }) => size >= MULTIPART_FROM_BYTES) ? 'multipart' : 'put';
}

function requestFor(asked: SendFilesRequest, parts: Part[], protocol: TransferProtocol): SendRequest {
  const { title, dataType = 'file', priority, inReplyTo, policy } = asked;
  const to = Array.isArray(asked.to) ? asked.to : [asked.to];
  const given = { priority, inReplyTo, policy };
  const optional = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { to, title, dataType, protocol, parts, ...optional };
}

async function inlined({ part, read }: SourceFile): Promise<Part & { content: string }> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of read(0, part.size)) chunks.push(chunk);
  return { ...part, content: Buffer.concat(chunks).toString('base64') };
}

function result(
  { packetId, state, recipients, priority, askedPriority }: SendAnswer,
  parts: Part[],
  protocol: TransferProtocol,
  resumed: boolean,
): SentFiles {
  const importance = { ...(priority && { priority }), ...(askedPriority && { askedPriority }) };
  return { packetId, state, recipients, parts, protocol, ...importance, resumed };
}
