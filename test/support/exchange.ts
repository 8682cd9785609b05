import { createHash, randomBytes } from 'node:crypto';
import type {
  ConfirmAnswer,
  Download,
  MultipartUpload,
  PacketState,
  PacketView,
  PutUpload,
  SendAnswer,
  SendRequest,
  StreamEvent,
} from '@lienthong/contracts';
import { eventually, type Patience } from './eventually';
import type { Party } from './platform';

export interface TestFile {
  name: string;
  bytes: Buffer;
}

export const digest = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('base64');
export const newFile = (size = 2000, name = 'cong-van.pdf'): TestFile => ({ name, bytes: randomBytes(size) });
export const partOf = ({ name, bytes }: TestFile) => ({
  name,
  mediaType: 'application/pdf',
  size: bytes.length,
  sha256: digest(bytes),
});

type Asked = Partial<SendRequest>;
const addressOf = (to: Party | string): string => (typeof to === 'string' ? to : to.systemId);
const listOf = <T>(one: T | T[]): T[] => (Array.isArray(one) ? one : [one]);

/** S2 to the completion in one call. */
export function sendInline(source: Party, to: Party | string | (Party | string)[], asked: Asked = {}, key?: string) {
  const file = newFile(500, 'phieu.txt');
  return source.client.packets.send(
    inlineRequest(to, { parts: [inlinePart(file)], ...asked }),
    key ? { idempotencyKey: key } : {},
  );
}

export const inlinePart = ({ name, bytes }: TestFile) => ({
  name,
  mediaType: 'text/plain',
  content: bytes.toString('base64'),
});

export const inlineRequest = (to: Party | string | (Party | string)[], asked: Asked = {}): SendRequest => ({
  to: listOf(to).map(addressOf),
  title: 'V/v thử nghiệm',
  dataType: 'file',
  protocol: 'inline',
  parts: [inlinePart(newFile(300, 'phieu.txt'))],
  ...asked,
});

/** S2 with `put`: a space for these files. */
export async function openSpace(
  source: Party,
  to: Party | string | (Party | string)[],
  files: TestFile | TestFile[] = newFile(),
  asked: Asked = {},
): Promise<{ packetId: string; uploads: PutUpload[]; files: TestFile[]; answer: SendAnswer }> {
  const all = listOf(files);
  const request = { to: listOf(to).map(addressOf), title: 'V/v thử nghiệm', dataType: 'file', parts: all.map(partOf) };
  const answer = await source.client.packets.send({ ...request, protocol: 'put', ...asked });
  return { packetId: answer.packetId, uploads: (answer.space?.uploads ?? []) as PutUpload[], files: all, answer };
}

export interface Stored {
  status: number;
  etag: string;
  text: string;
}

/** S3: one PUT with exactly the headers of the address, save those overridden. */
export async function put(
  address: { url: string; headers: Record<string, string> },
  bytes: Buffer,
  headers: Record<string, string> = {},
): Promise<Stored> {
  const given = new Headers({ ...address.headers, ...headers });
  // The library computes it from the body; a wrong one cannot be sent by honest means.
  given.delete('content-length');
  const response = await fetch(address.url, { method: 'PUT', headers: given, body: new Uint8Array(bytes) });
  return { status: response.status, etag: response.headers.get('etag') ?? '', text: await response.text() };
}

/** S3 with `multipart`: every piece, in order. @returns what `complete` wants to know */
export async function putPieces({ part, partSize, urls }: MultipartUpload, bytes: Buffer) {
  const etags: string[] = [];
  for (const address of urls) {
    const start = (address.partNumber - 1) * partSize;
    etags.push((await put(address, bytes.subarray(start, start + partSize))).etag);
  }
  return { part, etags };
}

/** S2 to the completion with `put`. */
export async function sendPut(
  source: Party,
  to: Party | string | (Party | string)[],
  files: TestFile | TestFile[] = newFile(),
  asked: Asked = {},
) {
  const space = await openSpace(source, to, files, asked);
  for (const [index, { bytes }] of space.files.entries()) {
    const { status, text } = await put(space.uploads[index], bytes);
    if (status !== 200) throw new Error(`The upload was answered ${status}: ${text}`);
  }
  await source.client.packets.complete(space.packetId);
  return space;
}

/** The packet as its source sees it, once it is in one of these states. */
export function packetIn(
  source: Party,
  packetId: string,
  state: PacketState,
  patience?: Patience,
): Promise<PacketView> {
  return eventually(async () => {
    const packet = await source.client.packets.get(packetId);
    if (packet.state !== state) throw new Error(`The packet is ${packet.state}, not ${state}.`);
    return packet;
  }, patience);
}

export function purged(source: Party, packetId: string, patience?: Patience): Promise<PacketView> {
  return eventually(async () => {
    const packet = await source.client.packets.get(packetId);
    return packet.purgedAt !== null && packet;
  }, patience);
}

/** The id of a delivery, learnt from the source's side: the destination's list would change its state. */
export async function deliveryId(source: Party, packetId: string, destination: Party): Promise<string> {
  const { recipients } = await packetIn(source, packetId, 'scheduled');
  const found = recipients.find(({ systemId }) => systemId === destination.systemId);
  if (!found) throw new Error(`${destination.systemId} is not a recipient of ${packetId}.`);
  return found.deliveryId;
}

/** S5: the delivery as the destination finds it in its list. */
export function waiting(destination: Party, packetId: string, patience?: Patience) {
  return eventually(async () => {
    const { items } = await destination.client.deliveries.page({ limit: 500 });
    return items.find((item) => item.packetId === packetId);
  }, patience);
}

export async function download({ url, headers }: Pick<Download, 'url' | 'headers'>, more: Record<string, string> = {}) {
  const response = await fetch(url, { headers: { ...headers, ...more } });
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
}

/** S6 and the fetch. @returns the downloads with their bytes */
export async function fetchAll(destination: Party, delivery: string) {
  const { space } = await destination.client.deliveries.ready(delivery);
  return Promise.all(space.downloads.map(async (one) => ({ ...one, ...(await download(one)) })));
}

/** S6 and S7: fetches, computes the digests itself, accepts. */
export async function accept(destination: Party, delivery: string): Promise<ConfirmAnswer> {
  const fetched = await fetchAll(destination, delivery);
  const parts = fetched.map(({ part, bytes }) => ({ name: part, sha256: digest(bytes) }));
  return destination.client.deliveries.confirm(delivery, { outcome: 'accepted', parts });
}

/** S5 to S7 for one packet. */
export async function receiveOne(destination: Party, packetId: string): Promise<ConfirmAnswer> {
  return accept(destination, (await waiting(destination, packetId)).deliveryId);
}

/** All events of a system that are there now, from the first. Acknowledges nothing. */
export async function eventsOf({ client }: Party): Promise<StreamEvent[]> {
  const all: StreamEvent[] = [];
  for (;;) {
    // `after` acknowledges what it names: the first page is asked for from 0, the next ones only when there are more than a page.
    const { items } = await client.events.poll({ after: all.at(-1)?.offset ?? '0', limit: 500 });
    all.push(...items);
    if (items.length < 500) return all;
  }
}

/** The first event of this kind about the packet, once it is there. */
export function eventOf(party: Party, packetId: string, type: StreamEvent['type'], patience?: Patience) {
  return eventually(
    async () => (await eventsOf(party)).find((event) => event.subject === packetId && event.type === type),
    patience,
  );
}
