import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  FilesystemStorage,
  Storage,
  StorageModule,
  type UploadAddress,
  createStorage,
  storageRouter,
  storageRoutes,
} from '@lienthong/storage';
import { NestFactory } from '@nestjs/core';
import { ask, put, putPartly } from './http';
import { type Subject, accepted, altered, digest, newContent, until } from './subject';
import { storageConformance } from './suite';

jest.setTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), 'lienthong-storage-'));

async function start(): Promise<Subject> {
  const server = createServer((request, response) => storageRouter(storage)(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const publicUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const storage = new FilesystemStorage({ folder, publicUrl, secret: randomBytes(32).toString('hex') });
  await storage.open();
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await storage.close();
  };
  return { storage, refusesOtherBytes: true, stop };
}

const filesOf = (packetId: string) => readdirSync(join(folder, 'packets', packetId));

afterAll(() => rmSync(folder, { recursive: true }));

describe('FilesystemStorage', () => {
  storageConformance(start);

  describe('beside the suite', () => {
    let subject: Subject;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject.stop());
    it('refuses in the language of the client, as a problem document without the signature in it', async () => {
      const { part, bytes } = newContent();
      const { url, headers } = await subject.storage.presignPut(part, 60);
      const answer = await ask(url, {
        method: 'PUT',
        headers: { ...headers, 'accept-language': 'en' },
        body: altered(bytes),
      });
      expect(answer.status).toBe(422);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(JSON.parse(answer.body.toString())).toMatchObject({
        code: 'content_mismatch',
        title: 'Content mismatch',
        instance: `/storage/${part.key}`,
      });
      const vietnamese = await ask(url.replace(/signature=[^&]*/, 'signature=x'), {
        method: 'PUT',
        headers,
        body: bytes,
      });
      expect(vietnamese.status).toBe(403);
      expect(JSON.parse(vietnamese.body.toString())).toMatchObject({ code: 'upload_refused', status: 403 });
    });

    it('counts the bytes of a body that comes without its length, and answers before a body without end ends', async () => {
      const { storage } = subject;
      const { part, bytes, packetId } = newContent(500_000);
      const upload = await storage.presignPut(part, 60);
      const piece = (await storage.presignMultipart(part, 60)).urls[0];
      const send = ({ url }: UploadAddress, ...chunks: Buffer[]) => {
        const headers = { 'content-type': part.mediaType };
        return ask(url, { method: 'PUT', headers, body: Readable.from(chunks) });
      };
      for (const address of [upload, piece])
        for (const chunks of [[bytes, bytes], [bytes.subarray(1)], []]) {
          const answer = await send(address, ...chunks);
          expect(answer.status).toBe(422);
          expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'content_mismatch' });
        }
      expect(filesOf(packetId).filter((name) => !name.includes(piece.url.match(/uploadId=(\w+)/)![1]))).toEqual([]);
      expect((await send(piece, bytes)).status).toBe(200);
      expect((await send(upload, bytes)).status).toBe(200);
      const endless = Readable.from({
        async *[Symbol.asyncIterator]() {
          for (;;) yield bytes;
        },
      });
      const { url } = upload;
      const answer = await ask(url, { method: 'PUT', headers: { 'content-type': part.mediaType }, body: endless });
      expect(answer.status).toBe(422);
    });

    it('answers 403 to every path that is not an address, however it climbs (A24)', async () => {
      const paths = [
        '/storage/',
        '/storage/../../etc/passwd',
        '/storage/packets/%2e%2e/x?operation=get&expires=9999999999',
      ];
      const { origin } = new URL((await subject.storage.presignPut(newContent().part, 60)).url);
      for (const path of paths) expect((await ask(origin + path)).status).toBe(403);
    });

    it('leaves no file behind a refused, a broken or a completed upload but the content', async () => {
      const { part, bytes, packetId } = newContent(500_000);
      const address = await subject.storage.presignPut(part, 60);
      await put(address, altered(bytes));
      await put(address, Buffer.concat([bytes, bytes]));
      await putPartly(address, bytes.subarray(0, 200_000));
      expect(await until(0, async () => filesOf(packetId).length)).toBe(0);
      await put(address, bytes);
      expect(filesOf(packetId)).toHaveLength(1);
    });

    it('does not let an address that outlives a purge bring content back', async () => {
      const { storage } = subject;
      const { part, bytes, packetId } = newContent();
      const upload = await storage.presignPut(part, 60);
      const pieces = await storage.presignMultipart(part, 60);
      await storage.purge(packetId);
      expect(await put(upload, bytes)).toBe(403);
      expect(await put(pieces.urls[0], bytes)).toBe(403);
      expect(existsSync(join(folder, 'packets', packetId))).toBe(false);
    });

    it('serves with headers that keep a browser from running or keeping the content', async () => {
      const { part } = await accepted(subject.storage, newContent(10, { mediaType: 'text/html' }));
      const { url } = await subject.storage.presignGet(part, 60, 'a.html');
      const { headers } = await ask(url, { method: 'HEAD' });
      expect(headers['content-length']).toBe('10');
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; sandbox",
        'cache-control': 'private, no-store',
        'referrer-policy': 'no-referrer',
      });
    });

    it('serves under Nest before any body parser, and leaves every other path to Nest', async () => {
      const settings = { driver: 'filesystem', folder, publicUrl: 'http://127.0.0.1', secret: 'x'.repeat(32) } as const;
      const storage = createStorage(settings);
      const app = await NestFactory.create(StorageModule.for(storage), { logger: false });
      for (const route of storageRoutes(storage)) app.use(route);
      await app.listen(0, '127.0.0.1');
      const { port } = app.getHttpServer().address() as AddressInfo;
      const here = (url: string) => url.replace('127.0.0.1', `127.0.0.1:${port}`);
      expect(app.get(Storage)).toBe(storage);

      const bytes = Buffer.from(JSON.stringify({ not: 'for the parser' }));
      const { part: any } = newContent();
      const part = { ...any, size: bytes.length, sha256: digest(bytes), mediaType: 'application/json' };
      const { url, headers } = await app.get(Storage).presignPut(part, 60);
      expect(await put({ url: here(url), headers }, bytes)).toBe(200);
      const download = await ask(here((await storage.presignGet(part, 60, 'a.json')).url));
      expect(download.body.equals(bytes)).toBe(true);
      expect((await ask(here('http://127.0.0.1/other'))).status).toBe(404);
      await app.close();
    });

    it('refuses to open with a short secret, without a public address, or in a folder that it cannot write', async () => {
      const settings = { folder, publicUrl: 'http://127.0.0.1', secret: 'x'.repeat(32) };
      const open = (change: object) => new FilesystemStorage({ ...settings, ...change }).open();
      await expect(open({ secret: 'short' })).rejects.toThrow('at least 32 bytes');
      await expect(open({ publicUrl: 'here' })).rejects.toThrow('not a URL: here');
      await expect(open({ folder: '/dev/null/x' })).rejects.toThrow('The storage folder cannot be used: ENOTDIR');
    });
  });
});
