import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfirmRequest, DeliveryState, Download, ReadyAnswer, WaitingDelivery } from '@lienthong/contracts';
import type { DeliveryCalls } from '../calls/deliveries';
import type { RetryLimits } from '../transport/retries';
import { downloadPart } from './download-part';
import { distinctNames, placeFile, safeFileName } from './file-names';
import { PlacedFiles } from './placed-files';
import { counter, type TransferProgress } from '../transport/transfer-progress';
import type { StorageRequests } from '../transport/storage-requests';

export interface ReceivedFile {
  /** As the source named it; `path` is where it is. */
  name: string;
  path: string;
  size: number;
  sha256: string;
  mediaType: string;
}

export interface FetchedPacket {
  deliveryId: string;
  packet: ReadyAnswer['packet'];
  files: ReceivedFile[];
}

export interface ReceivedPacket extends FetchedPacket {
  /** As confirmed; `ready` when it was not. */
  state: DeliveryState;
  /** The platform's receipt, a compact JWS; undefined when nothing was confirmed. */
  receipt: string | undefined;
}

export type Decision = Omit<ConfirmRequest, 'parts'>;

export interface ReceiveOptions {
  /** What to confirm once everything is on the disk and verified: default accepted; false: nothing yet. */
  confirm?: Decision | false | ((fetched: FetchedPacket) => Decision | false | Promise<Decision | false>);
  onProgress?: (progress: TransferProgress) => void;
  signal?: AbortSignal;
}

export interface Receiver {
  deliveries: Pick<DeliveryCalls, 'ready' | 'confirm' | 'list'>;
  storage: Pick<StorageRequests, 'get'>;
  limits: RetryLimits;
}

/**
 * S6 and S7 for one delivery: ready, fetch every part (going on after an interruption), compare with the declared SHA-256, put it into the
 * folder under a safe name, confirm. Run again for the same delivery it does not make second copies.
 * @throws LienThongError download_mismatch: wrong content; nothing is confirmed then
 */
export async function receive(
  receiver: Receiver,
  delivery: string | Pick<WaitingDelivery, 'deliveryId'>,
  folder: string,
  options: ReceiveOptions = {},
): Promise<ReceivedPacket> {
  const deliveryId = typeof delivery === 'string' ? delivery : delivery.deliveryId;
  const { packet, space } = await receiver.deliveries.ready(deliveryId);
  await mkdir(folder, { recursive: true });
  const { downloads } = space;
  const names = distinctNames(downloads.map(({ part }) => safeFileName(part)));
  const sizes = new Map(downloads.map(({ part, size }) => [part, size]));
  const onBytes = counter('download', options, sizes);
  const renew = async (): Promise<Download[]> => (await receiver.deliveries.ready(deliveryId)).space.downloads;
  const placed = await PlacedFiles.open(join(folder, `.${safeFileName(deliveryId)}.received.json`));
  const files: ReceivedFile[] = [];
  for (const [index, download] of downloads.entries()) {
    let path = await placed.find(download);
    if (path === undefined) {
      const partial = join(folder, `.${safeFileName(deliveryId)}-${index}.part`);
      const { storage, limits } = receiver;
      await downloadPart(download, partial, { storage, limits, renew, onBytes, signal: options.signal });
      path = await placeFile(partial, folder, names[index]);
      await placed.add(download.part, path);
    }
    const { part: name, size, sha256, mediaType } = download;
    files.push({ name, path, size, sha256, mediaType });
  }
  await syncFolder(folder);

  const fetched = { deliveryId, packet, files };
  const { confirm = { outcome: 'accepted' } } = options;
  const decision = typeof confirm === 'function' ? await confirm(fetched) : confirm;
  if (!decision) return { ...fetched, state: 'ready', receipt: undefined };
  const parts = files.map(({ name, sha256 }) => ({ name, sha256 }));
  const { state, receipt } = await receiver.deliveries.confirm(deliveryId, { ...decision, parts });
  await placed.forget();
  return { ...fetched, state, receipt };
}

export interface ReceiveAllOptions extends ReceiveOptions {
  /** A folder of its own, named by its id, for each packet. */
  folderPerPacket?: boolean;
  onReceived?: (packet: ReceivedPacket) => void;
  onFailed?: (delivery: WaitingDelivery, error: unknown) => void;
}

export interface ReceivedAll {
  received: ReceivedPacket[];
  failed: { delivery: WaitingDelivery; error: unknown }[];
}

/** Everything that waits, one after the other, most pressing first. One that fails does not hold back the others. */
export async function receiveAll(
  receiver: Receiver,
  folder: string,
  options: ReceiveAllOptions = {},
): Promise<ReceivedAll> {
  const all: ReceivedAll = { received: [], failed: [] };
  for await (const delivery of receiver.deliveries.list({ limit: 100 })) {
    options.signal?.throwIfAborted();
    try {
      const target = options.folderPerPacket ? join(folder, safeFileName(delivery.packetId)) : folder;
      const packet = await receive(receiver, delivery, target, options);
      all.received.push(packet);
      options.onReceived?.(packet);
    } catch (error) {
      all.failed.push({ delivery, error });
      options.onFailed?.(delivery, error);
    }
  }
  return all;
}

/** The names too must survive a power cut before the platform is told that all is here. Windows knows no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}
