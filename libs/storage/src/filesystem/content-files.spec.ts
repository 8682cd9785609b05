import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { PieceMissing, TooLong, keepFile, keepPiece, readPieces, receiveFile } from './content-files';

async function* chunks(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}
async function* broken() {
  yield Buffer.from('a');
  throw new Error('gone');
}
async function textOf(stream: AsyncIterable<Buffer>) {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  return text;
}
const digest = (text: string) => createHash('sha256').update(text).digest();

describe('content files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lienthong-files-'));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  it('are received with size and digest, and kept under their name alone', async () => {
    const received = await receiveFile(chunks('ab', 'c'), folder, 3);
    expect(received).toMatchObject({ size: 3, sha256: digest('abc') });
    await keepFile(received, join(folder, 'kept'));
    expect(await readdir(folder)).toEqual(['kept']);
    expect(await readFile(join(folder, 'kept'), 'utf8')).toBe('abc');
  });

  it('are read no further than the first byte too many', async () => {
    let read = 0;
    async function* endless() {
      for (;;) yield Buffer.alloc(10, read++);
    }
    await expect(receiveFile(endless(), folder, 25)).rejects.toThrow(TooLong);
    expect(read).toBe(3);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(['ENOSPC', 'EDQUOT'])('that meet %s give their space back and say that the storage is full', async (code) => {
    const { createWriteStream } = fs;
    jest.spyOn(fs, 'createWriteStream').mockImplementation((path, options) => {
      const file = createWriteStream(path, options);
      let count = 0;
      const full = Object.assign(new Error(code), { code });
      const limited = new Writable({
        write: (chunk, encoding, done) => (++count > 1 ? done(full) : void file.write(chunk, encoding, done)),
        destroy: (error, done) => void file.close(() => done(error)),
      });
      return limited as unknown as fs.WriteStream;
    });
    await expect(receiveFile(chunks('a', 'b', 'c'), folder, 10)).rejects.toMatchObject({ code: 'storage_full' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('are removed when their source breaks off', async () => {
    await expect(receiveFile(broken(), folder, 10)).rejects.toThrow('gone');
    expect(await readdir(folder)).toEqual([]);
  });

  it('are refused where no folder was made for them', async () => {
    await expect(receiveFile(chunks('a'), join(folder, 'none'), 10)).rejects.toMatchObject({ code: 'upload_refused' });
  });

  it('of several pieces are one after the other, each found by its etag', async () => {
    const etags = [];
    for (const [index, text] of ['one', 'two'].entries()) {
      const received = await receiveFile(chunks(text), folder, 10);
      etags.push(await keepPiece(received, folder, index + 1));
    }
    expect(
      await textOf(
        readPieces(
          folder,
          etags.map((etag) => `"${etag}"`),
        ),
      ),
    ).toBe('onetwo');
    await expect(textOf(readPieces(folder, etags.toReversed()))).rejects.toThrow(PieceMissing);
    await expect(textOf(readPieces(folder, [...etags, etags[0]]))).rejects.toThrow(PieceMissing);
    await expect(textOf(readPieces(folder, [etags[0], '../x']))).rejects.toThrow(PieceMissing);
  });

  it('of a piece that is uploaded again take the place of the former ones, and only of that piece', async () => {
    const keep = async (number: number, text: string) =>
      keepPiece(await receiveFile(chunks(text), folder, 10), folder, number);
    const kept = [await keep(1, 'other'), await keep(11, 'eleven'), await keep(1, 'one'), await keep(1, 'one')];
    expect((await readdir(folder)).toSorted()).toEqual([`1-${kept[3]}`, `11-${kept[1]}`].toSorted());
    expect(await textOf(readPieces(folder, [kept[2]]))).toBe('one');
    await expect(textOf(readPieces(folder, [kept[0]]))).rejects.toThrow(PieceMissing);
  });
});
