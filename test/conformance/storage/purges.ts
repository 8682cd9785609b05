import { objectKey, partSizeOf, placeOf } from '@lienthong/storage';
import { ask, put } from './http';
import { type Subject, accepted, newContent } from './subject';

export function purges(subject: () => Subject): void {
  describe('a purge', () => {
    it('removes every part and unfinished upload of the packet, and says what', async () => {
      const { storage } = subject();
      const { packetId, part } = await accepted(storage);
      const unsealed = newContent(100, { packetId });
      await put(await storage.presignPut(unsealed.part, 60), unsealed.bytes);
      const unfinished = newContent(partSizeOf(1) + 5, { packetId });
      const addresses = await storage.presignMultipart(unfinished.part, 60);
      await put(addresses.urls[1], unfinished.bytes.subarray(-5));
      const { url } = await storage.presignGet(part, 60, 'a');

      const started = Date.now();
      const report = await storage.purge(packetId);
      expect(report.removed).toEqual(expect.arrayContaining([part.key, unsealed.part.key]));
      expect(report.aborted).toBe(1);
      expect(Date.parse(report.deletedAt ?? '')).toBeGreaterThanOrEqual(started);
      expect(Date.parse(report.verifiedAbsentAt)).toBeGreaterThanOrEqual(Date.parse(report.deletedAt ?? ''));
      expect(report.checked).toEqual(expect.arrayContaining(['objects', 'uploads']));
      expect(await storage.inspect(part)).toBe('missing');
      expect(await storage.inspect(unsealed.part)).toBe('missing');
      expect((await ask(url)).status).toBe(404);
      expect(await put(addresses.urls[1], unfinished.bytes.subarray(-5))).toBeGreaterThanOrEqual(400);
      await expect(storage.read(part)).rejects.toMatchObject({ code: 'not_found' });
    });

    it('that is told what was stored removes that, and whatever else is there', async () => {
      const { storage } = subject();
      const { packetId, part } = await accepted(storage);
      expect((await storage.purge(packetId, [part])).removed).toContain(part.key);
      expect(await storage.inspect(part)).toBe('missing');

      const told = await accepted(storage);
      const untold = await accepted(storage, newContent(100, { packetId: told.packetId }));
      const unfinished = newContent(partSizeOf(1) + 5, { packetId: told.packetId });
      const addresses = await storage.presignMultipart(unfinished.part, 60);
      await put(addresses.urls[1], unfinished.bytes.subarray(-5));
      const report = await storage.purge(told.packetId, [told.part]);
      expect(report.aborted).toBe(1);
      expect(report.removed).toEqual(expect.arrayContaining([told.part.key, untold.part.key]));
      expect(await storage.inspect(untold.part)).toBe('missing');
      expect(await put(addresses.urls[1], unfinished.bytes.subarray(-5))).toBeGreaterThanOrEqual(400);
    });

    it('may run again, and of a packet without content', async () => {
      const { storage } = subject();
      const { packetId } = await accepted(storage);
      await storage.purge(packetId);
      for (const id of [packetId, newContent().packetId])
        expect(await storage.purge(id)).toMatchObject({ removed: [], aborted: 0, deletedAt: null });
    });

    it('of a round leaves what was uploaded for the next', async () => {
      const { storage } = subject();
      const former = await accepted(storage);
      const { packetId } = former;
      const next = newContent(100, { packetId: placeOf(packetId, 2) });
      expect(await put(await storage.presignPut(next.part, 60), next.bytes)).toBe(200);
      await storage.purge(placeOf(packetId, 1), [former.part]);
      expect(await storage.inspect(former.part)).toBe('missing');
      expect(await storage.inspect(next.part)).toBe('whole');
      await storage.purge(placeOf(packetId, 2));
      expect(await storage.inspect(next.part)).toBe('missing');
    });

    it('of several at once removes each', async () => {
      const { storage } = subject();
      const contents = await Promise.all(Array.from({ length: 10 }, () => accepted(storage)));
      await Promise.all(contents.flatMap(({ packetId }) => [storage.purge(packetId), storage.purge(packetId)]));
      const findings = await Promise.all(contents.map(({ part }) => storage.inspect(part)));
      expect(new Set(findings)).toEqual(new Set(['missing']));
    });

    it('leaves other packets alone, also one whose id begins alike', async () => {
      const { storage } = subject();
      const { packetId, part } = await accepted(storage);
      const alike = await accepted(storage, newContent(10, { packetId: `${packetId}0` }));
      const shorter = await accepted(storage, newContent(10, { packetId: packetId.slice(0, -1) }));
      await storage.purge(packetId);
      expect(await storage.inspect(part)).toBe('missing');
      expect([await storage.inspect(alike.part), await storage.inspect(shorter.part)]).toEqual(['whole', 'whole']);
    });

    it('refuses what is not the id of a packet', async () => {
      const { storage } = subject();
      for (const id of ['', '.', '..', 'a/b', '*', '../x'])
        await expect((async () => storage.purge(id))()).rejects.toThrow('Not a packet id');
      expect(objectKey('a', 0)).toMatch(/^packets\/a\/0-[0-9a-f]{32}$/);
    });
  });
}
