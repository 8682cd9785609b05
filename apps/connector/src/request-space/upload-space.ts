import { LIMITS, type UploadSpace } from '@lienthong/contracts';
import { nowBy, type PacketRow, PacketStore, type PartRow } from '@lienthong/persistence';
import { Storage, type StoredPart } from '@lienthong/storage';
import { Injectable } from '@nestjs/common';

export const storedPartOf = ({ objectKey, size, sha256, mediaType }: PartRow): StoredPart => ({
  key: objectKey,
  size,
  sha256,
  mediaType,
});

/** The space of an open packet: an address per part, or per piece of a part, made anew whenever it is asked for. */
@Injectable()
export class UploadSpaces {
  constructor(
    private readonly packets: PacketStore,
    private readonly storage: Storage,
  ) {}

  async of(packet: PacketRow, parts: PartRow[]): Promise<UploadSpace> {
    const now = nowBy(packet).getTime();
    const left = Math.floor((packet.spaceExpiresAt.getTime() - now) / 1000);
    const seconds = Math.max(1, Math.min(LIMITS.uploadAddressSeconds, left));
    const expiresAt = new Date(now + seconds * 1000).toISOString();
    if (packet.protocol !== 'multipart') {
      const uploads = await Promise.all(
        parts.map(async (part) => ({
          part: part.name,
          method: 'PUT' as const,
          ...(await this.storage.presignPut(storedPartOf(part), seconds)),
        })),
      );
      return { expiresAt, uploads };
    }
    const begun = await Promise.all(
      parts.map(async (part) => ({
        part,
        addresses: await this.storage.presignMultipart(storedPartOf(part), seconds, part.uploadId ?? undefined),
      })),
    );
    const fresh = begun.filter(({ part, addresses }) => part.uploadId !== addresses.uploadId);
    if (fresh.length > 0)
      await this.packets.setUploadIds(
        packet.id,
        fresh.map(({ part, addresses }) => ({ ordinal: part.ordinal, uploadId: addresses.uploadId })),
      );
    const uploads = begun.map(({ part, addresses: { partSize, urls } }) => ({ part: part.name, partSize, urls }));
    return { expiresAt, uploads };
  }
}
