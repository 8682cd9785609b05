import { type MultipartAddresses, type Storage, type StoredPart, partSizeOf } from '@lienthong/storage';
import { type Answer, ask, put } from './http';
import { type Content, type Subject, altered, newContent } from './subject';

/** Two pieces: one of the least size there is, and a few bytes. */
const twoPieces = () => newContent(partSizeOf(1) + 1234);

async function putPiece(addresses: MultipartAddresses, partNumber: number, bytes: Buffer): Promise<Answer> {
  const { url, headers } = addresses.urls[partNumber - 1];
  const start = (partNumber - 1) * addresses.partSize;
  return ask(url, { method: 'PUT', headers, body: bytes.subarray(start, start + addresses.partSize) });
}

/** @returns the etags, as a client collects them. */
async function putPieces(addresses: MultipartAddresses, bytes: Buffer): Promise<string[]> {
  const answers = [];
  for (const { partNumber } of addresses.urls) answers.push(await putPiece(addresses, partNumber, bytes));
  return answers.map((answer) => answer.headers.etag);
}

async function completed(storage: Storage): Promise<Content & { addresses: MultipartAddresses; etags: string[] }> {
  const content = twoPieces();
  const addresses = await storage.presignMultipart(content.part, 60);
  const etags = await putPieces(addresses, content.bytes);
  expect(await storage.completeMultipart(content.part, addresses.uploadId, etags)).toBe('whole');
  return { ...content, addresses, etags };
}

const served = async (storage: Storage, part: StoredPart) =>
  (await ask((await storage.presignGet(part, 60, 'a')).url)).body;

export function multiparts(subject: () => Subject): void {
  describe('a multipart upload', () => {
    it('is whole when its pieces are put together, and serves them as one', async () => {
      const { storage } = subject();
      const { part, bytes } = await completed(storage);
      expect(await storage.inspect(part)).toBe('whole');
      expect(await storage.seal(part)).toBe('whole');
      expect((await served(storage, part)).equals(bytes)).toBe(true);
    });

    it('may be completed twice, and twice at once', async () => {
      const { storage } = subject();
      const { part, addresses, etags } = await completed(storage);
      expect(await storage.completeMultipart(part, addresses.uploadId, etags)).toBe('whole');

      const again = twoPieces();
      const others = await storage.presignMultipart(again.part, 60);
      const otherEtags = await putPieces(others, again.bytes);
      const complete = () => storage.completeMultipart(again.part, others.uploadId, otherEtags);
      await Promise.all([complete(), complete()]);
      expect(await complete()).toBe('whole');
      expect(await storage.seal(again.part)).toBe('whole');
    });

    it('with a missing piece or a wrong etag is missing, until the right ones come', async () => {
      const { storage } = subject();
      const { part, bytes } = twoPieces();
      const addresses = await storage.presignMultipart(part, 60);
      const first = (await putPiece(addresses, 1, bytes)).headers.etag;
      const complete = (...etags: string[]) => storage.completeMultipart(part, addresses.uploadId, etags);
      expect(await complete(first)).toBe('missing');
      expect(await complete(first, first)).toBe('missing');
      const second = (await putPiece(addresses, 2, bytes)).headers.etag;
      expect(await complete(second, first)).toBe('missing');
      expect(await complete(first)).toBe('missing');
      expect(await complete(first, 'no etag')).toBe('missing');
      expect(await storage.seal(part)).toBe('missing');
      expect(await complete(first, second)).toBe('whole');
    });

    it('keeps its pieces when its addresses are renewed', async () => {
      const { storage } = subject();
      const { part, bytes } = twoPieces();
      const before = await storage.presignMultipart(part, 60);
      const first = (await putPiece(before, 1, bytes)).headers.etag;
      const after = await storage.presignMultipart(part, 60, before.uploadId);
      expect(after.uploadId).toBe(before.uploadId);
      const second = (await putPiece(after, 2, bytes)).headers.etag;
      expect(await storage.completeMultipart(part, after.uploadId, [first, second])).toBe('whole');
    });

    it('of other bytes is found out, and can be done again under renewed addresses', async () => {
      const { storage } = subject();
      const { part, bytes } = twoPieces();
      const wrong = await storage.presignMultipart(part, 60);
      const etags = await putPieces(wrong, altered(bytes));
      await storage.completeMultipart(part, wrong.uploadId, etags);
      expect(await storage.seal(part)).not.toBe('whole');

      const right = await storage.presignMultipart(part, 60, wrong.uploadId);
      const rightEtags = await putPieces(right, bytes);
      expect(await storage.completeMultipart(part, right.uploadId, rightEtags)).toBe('whole');
      expect(await storage.seal(part)).toBe('whole');
      expect((await served(storage, part)).equals(bytes)).toBe(true);
    });

    it('takes no piece of another size, and no address for another piece', async () => {
      const { storage } = subject();
      const { part, bytes } = twoPieces();
      const { urls } = await storage.presignMultipart(part, 60);
      const piece = bytes.subarray(0, urls[1] && Number(urls[1].headers['content-length']));
      expect(await put(urls[1], Buffer.concat([piece, piece]))).toBeGreaterThanOrEqual(400);
      expect(await put(urls[1], piece.subarray(1))).toBeGreaterThanOrEqual(400);
      const other = { ...urls[1], url: urls[1].url.replace(/partNumber=2/, 'partNumber=1') };
      expect(await put(other, piece)).toBe(403);
      expect(await put(urls[1], piece)).toBe(200);
    });

    it('once completed cannot be changed by its old addresses, nor by a second upload that was never completed', async () => {
      const { storage } = subject();
      const { part, bytes, addresses } = await completed(storage);
      expect(await storage.seal(part)).toBe('whole');
      const swap = altered(bytes);
      // A store may close the connection instead of reading a large body that it refuses.
      for (const number of [1, 2]) {
        const status = await putPiece(addresses, number, swap).then(
          ({ status }) => status,
          () => 'closed',
        );
        expect(['closed', 400, 403, 404]).toContain(status);
      }
      const second = await storage.presignMultipart(part, 60);
      await putPieces(second, swap);
      // Taking the piece's part of the address away leaves one that was not signed.
      const bare = new URL(addresses.urls[0].url);
      for (const name of ['partNumber', 'uploadId', 'operation']) bare.searchParams.delete(name);
      const headers = { 'content-length': String(part.size), 'content-type': part.mediaType };
      const status = await ask(bare.href, { method: 'PUT', headers, body: swap }).then(
        ({ status }) => status,
        () => 'closed',
      );
      expect(['closed', 403]).toContain(status);

      expect(await storage.seal(part)).toBe('whole');
      expect((await served(storage, part)).equals(bytes)).toBe(true);
    });
  });
}
