import { objectKey } from '@lienthong/storage';
import { ask, put, putPartly } from './http';
import { type Subject, altered, bytesOf, digest, newContent, until } from './subject';

export function uploads(subject: () => Subject): void {
  describe('an upload address', () => {
    it('takes the declared content, which is then whole before and after sealing', async () => {
      const { storage } = subject();
      const { part, bytes } = newContent();
      const address = await storage.presignPut(part, 60);
      expect(await storage.inspect(part)).toBe('missing');
      expect(await put(address, bytes)).toBe(200);
      expect(await storage.inspect(part)).toBe('whole');
      expect(await storage.seal(part)).toBe('whole');
      expect(await storage.seal(part)).toBe('whole');
    });

    it('takes the same content again', async () => {
      const { storage } = subject();
      const { part, bytes } = newContent();
      const address = await storage.presignPut(part, 60);
      expect([await put(address, bytes), await put(address, bytes)]).toEqual([200, 200]);
      expect(await storage.seal(part)).toBe('whole');
    });

    it('takes a part without a byte', async () => {
      const { storage } = subject();
      const { part, bytes } = newContent(0);
      expect(await put(await storage.presignPut(part, 60), bytes)).toBe(200);
      expect(await storage.seal(part)).toBe('whole');
    });

    it.each([
      ['a byte more', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')])],
      ['a byte less', (bytes: Buffer) => bytes.subarray(1)],
      ['ten times as much', (bytes: Buffer) => Buffer.concat(Array.from({ length: 10 }, () => bytes))],
      ['nothing', () => Buffer.alloc(0)],
      ['as many other bytes', altered],
    ])(
      'with %s stores nothing that could be accepted, and is good for the right content afterwards',
      async (_what, change) => {
        const { storage, refusesOtherBytes } = subject();
        const { part, bytes } = newContent();
        const address = await storage.presignPut(part, 60);
        const status = await put(address, change(bytes));
        if (refusesOtherBytes) expect(status).toBeGreaterThanOrEqual(400);
        for (let time = 0; time < 2; time++) expect(await storage.seal(part)).not.toBe('whole');
        if (refusesOtherBytes) expect(await storage.inspect(part)).toBe('missing');

        expect(await put(address, bytes)).toBe(200);
        expect(await storage.seal(part)).toBe('whole');
        expect((await bytesOf(await storage.read(part))).equals(bytes)).toBe(true);
      },
    );

    it('with the declared length and more bytes behind it stores nothing that could be accepted (A22)', async () => {
      const { storage } = subject();
      const { part, bytes } = newContent();
      const more = Buffer.concat([altered(bytes), bytes]);
      const address = await storage.presignPut(part, 60);
      await put(address, more, { 'content-length': String(part.size) }).catch(() => undefined);
      expect(await storage.seal(part)).not.toBe('whole');
    });

    it('without one of its headers, or with another value, is refused', async () => {
      const { storage } = subject();
      const { part, bytes } = newContent();
      const { url, headers } = await storage.presignPut(part, 60);
      const names = Object.keys(headers).filter((name) => name !== 'content-length');
      expect(names).toContain('content-type');
      for (const name of names) {
        const { [name]: value, ...rest } = headers;
        expect(await put({ url, headers: rest }, bytes)).toBeGreaterThanOrEqual(400);
        const other = name === 'content-type' ? 'text/html' : digest(Buffer.from(value));
        expect(await put({ url, headers }, bytes, { [name]: other })).toBeGreaterThanOrEqual(400);
      }
      expect(await storage.inspect(part)).toBe('missing');
      expect(await put({ url, headers }, bytes)).toBe(200);
    });

    it('is good for no other method, key or time, and for nothing of another address (A26)', async () => {
      const { storage } = subject();
      const { part, bytes, packetId } = newContent();
      const { url, headers } = await storage.presignPut(part, 60);
      const other = { ...part, key: objectKey(packetId, 1) };
      await storage.presignPut(other, 60);
      const statusOf = async (url: string, method = 'PUT') => {
        const body = method === 'PUT' || method === 'POST' ? bytes : undefined;
        return (await ask(url, { method, headers: body ? headers : {}, body })).status;
      };
      expect(await statusOf(url.replace(part.key, other.key))).toBe(403);
      expect(await statusOf(url.replace(/(expires=)(\d+)/i, '$19$2'))).toBe(403);
      expect(await statusOf(url.replace(/signature=.{8}/i, (text) => text.slice(0, -8) + '00000000'))).toBe(403);
      for (const method of ['GET', 'DELETE', 'POST']) expect(await statusOf(url, method)).toBeGreaterThanOrEqual(400);
      expect(await storage.inspect(other)).toBe('missing');
      expect(await storage.inspect(part)).toBe('missing');
    });

    it('is refused with 403 after its time', async () => {
      const { storage } = subject();
      const { part, bytes } = newContent();
      const address = await storage.presignPut(part, 2);
      expect(await put(address, bytes)).toBe(200);
      expect(await until(403, () => put(address, bytes))).toBe(403);
      expect(await storage.seal(part)).toBe('whole');
    });

    it('of a client that goes away half-way leaves nothing, and can be used again (A22)', async () => {
      const { storage } = subject();
      const { part, bytes } = newContent(300_000);
      const address = await storage.presignPut(part, 60);
      await putPartly(address, bytes.subarray(0, 100_000));
      expect(await storage.inspect(part)).toBe('missing');
      expect(await put(address, bytes)).toBe(200);
      expect(await storage.seal(part)).toBe('whole');
    });

    it('is not made for a key that this platform did not make', async () => {
      const { storage } = subject();
      const { part } = newContent();
      const { packetId } = newContent();
      for (const key of [
        '',
        '../x',
        `packets/../${packetId}/0-${'0'.repeat(32)}`,
        `${part.key}/../../x`,
        `${part.key}\n`,
      ])
        await expect(storage.presignPut({ ...part, key }, 60)).rejects.toThrow('Not a key');
      expect(() => objectKey('../../etc', 0)).toThrow('Not a key');
    });
  });

  describe('after acceptance', () => {
    it.each([
      ['other bytes of the same size', altered],
      ['more bytes', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
      ['fewer bytes', (bytes: Buffer) => bytes.subarray(0, 10)],
      ['the same bytes', (bytes: Buffer) => bytes],
    ])('a PUT of %s to the old address changes nothing of what is served', async (_what, change) => {
      const { storage, refusesOtherBytes } = subject();
      const { part, bytes } = newContent();
      const upload = await storage.presignPut(part, 60);
      expect(await put(upload, bytes)).toBe(200);
      expect(await storage.seal(part)).toBe('whole');
      const download = await storage.presignGet(part, 60, 'a.xml');
      const status = await put(upload, change(bytes));
      if (refusesOtherBytes && !change(bytes).equals(bytes)) expect(status).toBeGreaterThanOrEqual(400);

      expect(await storage.seal(part)).toBe('whole');
      for (const { url } of [download, await storage.presignGet(part, 60, 'a.xml')])
        expect((await ask(url)).body.equals(bytes)).toBe(true);
    });

    it('sealing in two processes at once while the source swaps the content never serves other bytes (A21)', async () => {
      const { storage } = subject();
      const { part, bytes } = newContent();
      const upload = await storage.presignPut(part, 60);
      expect(await put(upload, bytes)).toBe(200);
      await Promise.allSettled([
        storage.seal(part),
        put(upload, altered(bytes)),
        storage.seal(part),
        put(upload, bytes),
        storage.seal(part),
      ]);
      await put(upload, bytes);
      expect(await storage.seal(part)).toBe('whole');
      await put(upload, altered(bytes));
      expect((await ask((await storage.presignGet(part, 60, 'a')).url)).body.equals(bytes)).toBe(true);
    });
  });

  describe('inline content', () => {
    it('is whole and served as soon as it is stored, and may be stored again and sealed', async () => {
      const { storage } = subject();
      const { part, bytes } = newContent(200_000);
      await storage.put(part, bytes);
      expect(await storage.inspect(part)).toBe('whole');
      const { url } = await storage.presignGet(part, 60, 'a');
      expect((await ask(url)).body.equals(bytes)).toBe(true);
      await storage.put(part, bytes);
      expect(await storage.seal(part)).toBe('whole');
      expect((await ask(url)).body.equals(bytes)).toBe(true);
    });

    it('is refused when it is not what was declared, and nothing is stored', async () => {
      const { storage } = subject();
      const { part, bytes } = newContent();
      for (const other of [altered(bytes), bytes.subarray(1)])
        await expect(storage.put(part, other)).rejects.toMatchObject({ code: 'content_mismatch' });
      expect(await storage.inspect(part)).toBe('missing');
    });
  });
}
