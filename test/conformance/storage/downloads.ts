import { ask, put } from './http';
import { type Subject, accepted, bytesOf, newContent, until } from './subject';

/** What a client that follows RFC 6266 makes of the header. */
function fileNameOf(disposition: string): string {
  const match = /^attachment; filename="[\x20-\x7e]*"; filename\*=UTF-8''([^; ]*)$/.exec(disposition);
  if (!match) throw new Error(`Not of the form expected: ${disposition}`);
  return decodeURIComponent(match[1]);
}

export function downloads(subject: () => Subject): void {
  describe('a download address', () => {
    it('serves the content with its media type and file name, as an attachment', async () => {
      const { storage } = subject();
      const { part, bytes } = await accepted(storage, newContent(5000, { mediaType: 'text/html; charset=utf-8' }));
      const { url, headers } = await storage.presignGet(part, 60, 'Công văn số 12.edxml');
      const answer = await ask(url, { headers });
      expect(answer.status).toBe(200);
      expect(answer.body.equals(bytes)).toBe(true);
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(answer.headers['content-length']).toBe('5000');
      expect(fileNameOf(answer.headers['content-disposition'])).toBe('Công văn số 12.edxml');
    });

    it.each([
      ['a line break', 'a\r\nSet-Cookie: x=1', 'aSet-Cookie: x=1'],
      ['a path', '../../etc/passwd', '.._.._etc_passwd'],
      ['a path of Windows', 'C:\\x\\y.doc', 'C:_x_y.doc'],
      ['a mark that turns the reading direction', 'a\u202Ecod.exe', 'acod.exe'],
      ['quotes and separators', `a"b'c;d*e%41.xml`, `a"b'c;d*e%41.xml`],
      ['letters beyond the first plane', '𠀀😀.xml', '𠀀😀.xml'],
      ['half a letter', 'a\uD800b', 'a\uFFFDb'],
      ['nothing', '', 'content'],
    ])('tells a file name with %s without harm', async (_what, given, told) => {
      const { storage } = subject();
      const { part, bytes } = await accepted(storage);
      const answer = await ask((await storage.presignGet(part, 60, given)).url);
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(fileNameOf(answer.headers['content-disposition'])).toBe(told);
      expect(answer.body.equals(bytes)).toBe(true);
    });

    it('serves ranges, so that a broken download goes on where it stopped', async () => {
      const { storage } = subject();
      const { part, bytes } = await accepted(storage, newContent(100_000));
      const { url } = await storage.presignGet(part, 60, 'a');
      const { headers } = await ask(url, { headers: { range: 'bytes=0-9' } });
      const middle = await ask(url, { headers: { range: 'bytes=1000-1999' } });
      expect(middle.status).toBe(206);
      expect(middle.headers['content-range']).toBe('bytes 1000-1999/100000');
      expect(middle.body.equals(bytes.subarray(1000, 2000))).toBe(true);

      const rest = await ask(url, { headers: { range: 'bytes=60000-', 'if-match': headers.etag } });
      expect(rest.status).toBe(206);
      expect(rest.body.equals(bytes.subarray(60_000))).toBe(true);
      expect((await ask(url, { headers: { range: 'bytes=100000-' } })).status).toBe(416);
    });

    it('is good for no other method, key, media type or file name (A26)', async () => {
      const { storage } = subject();
      const first = await accepted(storage);
      const second = await accepted(storage);
      const { url } = await storage.presignGet(first.part, 60, 'a.xml');
      const other = new URL((await storage.presignGet(second.part, 60, 'a.xml')).url);
      expect((await ask(url.replace(new URL(url).pathname, other.pathname))).status).toBe(403);
      expect((await ask(url.replace('a.xml', 'b.html'))).status).toBe(403);
      expect((await ask(url.replace('application%2Fxml', 'text%2Fhtml'))).status).toBe(403);
      expect(await put({ url, headers: {} }, first.bytes)).toBe(403);
      expect((await ask(url, { method: 'DELETE' })).status).toBeGreaterThanOrEqual(400);
      expect((await ask(url)).body.equals(first.bytes)).toBe(true);
    });

    it('is refused with 403 after its time (A25)', async () => {
      const { storage } = subject();
      const { part } = await accepted(storage);
      const { url } = await storage.presignGet(part, 2, 'a');
      expect((await ask(url)).status).toBe(200);
      expect(await until(403, async () => (await ask(url)).status)).toBe(403);
    });
  });

  describe('reading', () => {
    it('streams the sealed content', async () => {
      const { storage } = subject();
      const { part, bytes } = await accepted(storage, newContent(300_000));
      expect((await bytesOf(await storage.read(part))).equals(bytes)).toBe(true);
    });

    it('of content that is not there says so, and so do inspecting and sealing', async () => {
      const { storage } = subject();
      const { part } = newContent();
      await expect(storage.read(part)).rejects.toMatchObject({ code: 'not_found' });
      expect(await storage.inspect(part)).toBe('missing');
      expect(await storage.seal(part)).toBe('missing');
    });
  });
}
