import { createHash } from 'node:crypto';
import { addAbortSignal } from 'node:stream';
import { LienThongError } from '@lienthong/contracts';
import { GiveUp, PacketStore, type PartRow } from '@lienthong/persistence';
import type { TaskTime } from '@lienthong/queue';
import { Log } from '@lienthong/runtime';
import { Storage } from '@lienthong/storage';
import { Injectable } from '@nestjs/common';

/**
 * A destination reported other digests again and again: reads all of the content and compares. Whole content is the destination's own trouble and
 * stays; what is not whole ends the packet's live deliveries, with a report, so that the source sends it again.
 */
@Injectable()
export class CheckContent {
  constructor(
    private readonly packets: PacketStore,
    private readonly storage: Storage,
    private readonly giveUp: GiveUp,
    private readonly log: Log,
  ) {}

  /** @param time is longer by what there is to read */
  async check(packetId: string, time: Pick<TaskTime, 'allowReading' | 'signal'>): Promise<void> {
    const packet = await this.packets.find(packetId);
    if (packet?.state !== 'scheduled') return;
    const lost: string[] = [];
    // One after the other: a packet of many large parts must not take all the bandwidth.
    for (const part of await this.packets.parts(packetId)) {
      time.allowReading(part.size);
      if (!(await this.isWhole(part, time.signal))) lost.push(part.name);
    }
    if (lost.length === 0)
      return this.log.warn({ packetId }, 'a destination reports other digests; the content is whole');
    this.log.error({ packetId, parts: lost.length }, 'content was lost or altered in the store');
    await this.giveUp.contentLost(packetId, lost);
  }

  /** @throws Error when the store cannot be read now: then the task comes again */
  private async isWhole({ objectKey: key, size, sha256, mediaType }: PartRow, signal: AbortSignal): Promise<boolean> {
    const hash = createHash('sha256');
    let read = 0;
    try {
      const content = addAbortSignal(signal, await this.storage.read({ key, size, sha256, mediaType }));
      for await (const chunk of content) {
        hash.update(chunk as Buffer);
        read += (chunk as Buffer).length;
      }
    } catch (error) {
      if (error instanceof LienThongError && error.code === 'not_found') return false;
      throw error;
    }
    return read === size && hash.digest('base64') === sha256;
  }
}
