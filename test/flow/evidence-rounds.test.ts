import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfirmRequest, PutUpload, ReceiptBundle } from '@lienthong/contracts';
import { verifier } from '../support/examples';
import { accept, fetchAll, newFile, packetIn, purged, put, receiveOne, sendPut, waiting } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';
import { judged as judgedBy } from '../support/verifiers';
import { itWhen } from '../support/when';

jest.setTimeout(120_000);

/** One chain of receipts for all rounds: what the first round came to stays, and is not taken for what the second came to. */
describe('Evidence of a packet that was sent again', () => {
  const { missing } = verifier();
  const byBoth = itWhen(!missing, missing ?? '');
  let platform: Platform;
  let source: Party;
  let withSecret: Party;
  let withKeyPair: Party;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lienthong-rounds-'));
    platform = await startPlatform();
    [source, withSecret, withKeyPair] = await Promise.all([
      platform.makeParty(),
      platform.makeParty(),
      platform.makePartyWithKeyPair(),
    ]);
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const judged = async (bundle: ReceiptBundle) => judgedBy(bundle, await platform.admin.jwks(), folder);
  const bundleOf = (packetId: string, party = source) => party.client.packets.receipts(packetId);
  const eventsIn = ({ receipts }: ReceiptBundle): string[] => receipts.map(({ event }) => event);
  const reject = async (party: Party, packetId: string, retryable = false): Promise<void> => {
    const { deliveryId } = await waiting(party, packetId);
    await fetchAll(party, deliveryId);
    const said: ConfirmRequest = { outcome: 'rejected', parts: [], reasonCode: 'other', retryable };
    await party.client.deliveries.confirm(deliveryId, said);
  };

  /** Undeliverable, then a space that nobody used, then accepted: three rounds, the content uploaded twice. */
  async function threeRounds(party: Party): Promise<ReceiptBundle> {
    const file = newFile(5000);
    const { packetId } = await sendPut(source, party, file);
    await packetIn(source, packetId, 'scheduled');
    await platform.sql('UPDATE deliveries SET deliver_by = now() WHERE packet_id = $1', [packetId]);
    await purged(source, packetId);
    await source.client.packets.resend(packetId);
    await platform.sql('UPDATE packets SET space_expires_at = now() WHERE id = $1', [packetId]);
    await packetIn(source, packetId, 'expired', { within: 60_000 });
    await purged(source, packetId);
    const { round, space } = await source.client.packets.resend(packetId);
    expect(round).toBe(3);
    expect((await put(space!.uploads[0] as PutUpload, file.bytes)).status).toBe(200);
    await source.client.packets.complete(packetId);
    await receiveOne(party, packetId);
    await purged(source, packetId);
    return bundleOf(packetId);
  }

  byBoth('is found valid by both verifiers, whatever became of its rounds', async () => {
    const bundle = await threeRounds(withKeyPair);
    expect(eventsIn(bundle)).toEqual([
      'packet.accepted',
      'delivery.undeliverable',
      'packet.purged',
      'packet.expired',
      'packet.purged',
      'packet.accepted',
      'delivery.ready',
      'delivery.accepted',
      'packet.purged',
    ]);
    expect(await judged(bundle)).toMatchObject({
      codes: [0, 0],
      cli: expect.stringContaining('signed this request with its private key'),
    });
    const seen = await bundleOf(bundle.packetId, withKeyPair);
    expect(eventsIn(seen)).toContain('delivery.undeliverable');
    expect((await judged(seen)).codes).toEqual([0, 0]);
  });

  byBoth('is found valid by both verifiers where a round began while another destination still waited', async () => {
    const { packetId } = await sendPut(source, [withKeyPair, withSecret], newFile(3000));
    await reject(withKeyPair, packetId);
    await source.client.packets.resend(packetId, { to: [withKeyPair.systemId] });
    const [again, slow] = [await waiting(withKeyPair, packetId), await waiting(withSecret, packetId)];
    await accept(withKeyPair, again.deliveryId);
    await accept(withSecret, slow.deliveryId);
    await purged(source, packetId);
    const bundle = await bundleOf(packetId);
    const outcomes = eventsIn(bundle).filter((event) => /accepted|rejected/.test(event));
    expect(outcomes).toEqual(['packet.accepted', 'delivery.rejected', 'delivery.accepted', 'delivery.accepted']);
    expect((await judged(bundle)).codes).toEqual([0, 0]);
    for (const party of [withKeyPair, withSecret])
      expect((await judged(await bundleOf(packetId, party))).codes).toEqual([0, 0]);
  });

  byBoth('is found valid by both verifiers where the content was kept, and rejected again and again', async () => {
    const policy = { keepAfterConfirmSeconds: 3600 };
    const { packetId } = await sendPut(source, withKeyPair, newFile(3000), { policy });
    await reject(withKeyPair, packetId, true);
    await platform.sql('UPDATE deliveries SET available_at = now() WHERE packet_id = $1', [packetId]);
    await reject(withKeyPair, packetId);
    await packetIn(source, packetId, 'completed');
    await source.client.packets.resend(packetId);
    await receiveOne(withKeyPair, packetId);
    await packetIn(source, packetId, 'completed');
    const bundle = await bundleOf(packetId);
    expect(eventsIn(bundle).filter((event) => event === 'delivery.rejected')).toHaveLength(2);
    expect(eventsIn(bundle).at(-1)).toBe('delivery.accepted');
    expect((await judged(bundle)).codes).toEqual([0, 0]);
  });

  byBoth('is refused by both verifiers when a round was taken out, moved, or told of another packet', async () => {
    const [bundle, other] = await Promise.all([threeRounds(withSecret), threeRounds(withKeyPair)]);
    const { receipts } = bundle;
    const first = receipts.slice(0, 3);
    const [second, third] = [receipts.slice(3, 5), receipts.slice(5)];
    const changed: Record<string, ReceiptBundle['receipts']> = {
      'without the first': [...second, ...third],
      'without the second': [...first, ...third],
      'the last alone': third,
      'the first and the last exchanged': [...third, ...second, ...first],
      'the content of the first in the last': [...first, ...second, receipts[0], ...third.slice(1)],
      'the first of another packet': [...other.receipts.slice(0, 3), ...second, ...third],
      'the last twice': [...receipts, ...third],
    };
    for (const [how, bad] of Object.entries(changed))
      expect([how, ...(await judged({ ...bundle, receipts: bad })).codes]).toEqual([how, 1, 1]);
    expect((await judged(bundle)).codes).toEqual([0, 0]);
    // A chain cannot show that it was cut short at its end; what is left is true.
    expect((await judged({ ...bundle, receipts: first })).codes).toEqual([0, 0]);
  });
});
