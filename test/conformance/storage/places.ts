import { placeOf, partSizeOf } from '@lienthong/storage';
import { put } from './http';
import { accepted, newContent, type Subject } from './subject';

export function places(subject: () => Subject): void {
  it('tells the place of every packet and round that has content or an unfinished upload, and of none that was purged', async () => {
    const { storage } = subject();
    const told = async () => {
      const all: string[] = [];
      for await (const page of storage.places()) all.push(...page);
      return all;
    };
    const whole = await accepted(storage);
    const next = newContent(100, { packetId: placeOf(whole.packetId, 2) });
    expect(await put(await storage.presignPut(next.part, 60), next.bytes)).toBe(200);
    const unfinished = newContent(partSizeOf(1) + 5);
    const addresses = await storage.presignMultipart(unfinished.part, 60);
    await put(addresses.urls[1], unfinished.bytes.subarray(-5));
    const mine = [whole.packetId, placeOf(whole.packetId, 2), unfinished.packetId];
    expect((await told()).filter((place) => mine.includes(place)).toSorted()).toEqual(mine.toSorted());
    for (const place of mine) await storage.purge(place);
    expect((await told()).filter((place) => mine.includes(place))).toEqual([]);
  });
}
