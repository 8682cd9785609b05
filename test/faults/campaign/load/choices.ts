import { createHash } from 'node:crypto';
import type { ConfirmRequest } from '@lienthong/contracts';

/** What becomes of a packet is chosen by its key, or by its id: the same again however often it is asked, and whoever asks. */
export const choices = {
  /** The same key asks for the same bytes: they are made from it. */
  bytesOf: (key: string): Buffer => createHash('sha512').update(key).digest(),
  /** Half of the packets. */
  isInline: (key: string): boolean => key < '8',
  /** One packet in eight is taken back by its source, sooner or later. */
  isTakenBack: (key: string): boolean => key.endsWith('0') || key.endsWith('1'),
  /** One in sixteen has a recipient that does not come, and little time. */
  isForNobody: (key: string): boolean => key.endsWith('2'),
  /** Three in four of these are sent again when they were given up. */
  isSentAgain: (key: string): boolean => key[1] < 'c',
  /** The content of half of these is kept for a while; that of the others is uploaded once more. */
  isKept: (key: string): boolean => key[2] < '8',
  /** One in four is turned down when it is sent again, and sent once more. */
  isTurnedDown: (packetId: string): boolean => packetId.at(-1)! < '4',
};

/** What a destination says of a delivery. */
export type Answer = Pick<ConfirmRequest, 'outcome' | 'retryable' | 'reasonCode'>;

export const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('base64');

/** One delivery in sixteen is turned down for good, and one in eight at its first attempt. */
export function answerOf(packetId: string, systemId: string, attempt: number): Answer {
  const [chance, other] = createHash('sha256').update(`${packetId} ${systemId}`).digest();
  if (attempt === 1 && other < 32) return { outcome: 'rejected', retryable: true, reasonCode: 'other' };
  return chance < 16 ? { outcome: 'rejected', reasonCode: 'not_competent' } : { outcome: 'accepted' };
}
