import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditItem, PlatformKeyView, ReceiptBundle, ReceiptClaims } from '@lienthong/contracts';
import { verifyReceipts } from '@lienthong/signing';
import { decodeProtectedHeader } from 'jose';
import { eventually } from '../support/eventually';
import { verifier } from '../support/examples';
import {
  accept,
  deliveryId,
  digest,
  fetchAll,
  newFile,
  packetIn,
  purged,
  sendInline,
  sendPut,
  waiting,
} from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';
import { judged as judgedBy } from '../support/verifiers';
import { itWhen } from '../support/when';

jest.setTimeout(120_000);

/** What each party keeps in the end, and what a third one makes of it. */
describe('Evidence', () => {
  const second = verifier();
  let platform: Platform;
  let source: Party;
  let withSecret: Party;
  let withKeyPair: Party;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lienthong-evidence-'));
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

  const claimsOf = async (bundle: ReceiptBundle): Promise<ReceiptClaims[]> => {
    const { problems, claims } = await verifyReceipts(bundle, await platform.admin.jwks());
    expect(problems).toEqual([]);
    return claims as ReceiptClaims[];
  };
  const evidenceOf = async (packetId: string) => claimsOf(await source.client.packets.receipts(packetId));

  const judged = async (bundle: ReceiptBundle) => judgedBy(bundle, await platform.admin.jwks(), folder);

  it('with a key pair holds the destination’s own signature, which both verifiers check again offline', async () => {
    const { packetId } = await sendPut(source, withKeyPair);
    const delivery = await deliveryId(source, packetId, withKeyPair);
    await accept(withKeyPair, delivery);
    await purged(source, packetId);
    const bundle = await source.client.packets.receipts(packetId);
    const claims = await claimsOf(bundle);
    const [ready, accepted] = ['delivery.ready', 'delivery.accepted'].map((event) =>
      claims.find((one) => one.event === event),
    );
    expect(ready).toMatchObject({ proof: { by: 'privateKey' }, request: { path: `/v1/deliveries/${delivery}/ready` } });
    expect(accepted).toMatchObject({
      proof: {
        by: 'privateKey',
        statement: { vi: expect.stringContaining('khóa riêng'), en: expect.stringContaining('private key') },
      },
      request: { alg: 'rsa-pss-sha512', keyId: withKeyPair.issued.accessKey, publicKey: { kty: 'RSA', e: 'AQAB' } },
    });
    expect(JSON.parse(Buffer.from(accepted?.request?.body ?? '', 'base64').toString())).toMatchObject({
      outcome: 'accepted',
    });
    const { cli, codes } = await judged(bundle);
    expect(new Set(codes)).toEqual(new Set([0]));
    expect(cli).toContain('signed this request with its private key');
  });

  it('of parts with names beyond the basic plane is found valid by both verifiers, which order them alike', async () => {
    // By UTF-16 code units the first comes first, by code points the second.
    const files = ['\u{1F4C4}.pdf', '\uFF01.pdf'].map((name) => newFile(100, name));
    const { packetId } = await sendPut(source, withKeyPair, files);
    await accept(withKeyPair, await deliveryId(source, packetId, withKeyPair));
    const bundle = await source.client.packets.receipts(packetId);
    expect((await claimsOf(bundle)).at(-1)?.parts.map(({ name }) => name)).toEqual(files.map(({ name }) => name));
    expect(new Set((await judged(bundle)).codes)).toEqual(new Set([0]));
  });

  it('with a shared secret says plainly that the platform could have made the signature', async () => {
    const { packetId } = await sendInline(source, withSecret);
    await accept(withSecret, await deliveryId(source, packetId, withSecret));
    const claims = (await evidenceOf(packetId)).find(({ event }) => event === 'delivery.accepted');
    expect(claims).toMatchObject({
      proof: { by: 'sharedSecret', statement: { en: expect.stringContaining('the platform could have made it') } },
    });
    expect(claims?.request?.publicKey).toBeUndefined();
  });

  it('of a confirmation among others holds the digest of what was signed, and not what it said of others', async () => {
    const packets = await Promise.all([sendInline(source, withKeyPair), sendInline(source, withKeyPair)]);
    const confirmations = await Promise.all(
      packets.map(async ({ packetId }) => {
        const delivery = (await waiting(withKeyPair, packetId)).deliveryId;
        const parts = (await fetchAll(withKeyPair, delivery)).map(({ part, bytes }) => ({
          name: part,
          sha256: digest(bytes),
        }));
        return { deliveryId: delivery, outcome: 'accepted' as const, parts };
      }),
    );
    await withKeyPair.client.deliveries.confirmMany(confirmations);
    const bundle = await source.client.packets.receipts(packets[0].packetId);
    const claims = (await claimsOf(bundle)).find(({ event }) => event === 'delivery.accepted');
    expect(claims).toMatchObject({
      proof: { by: 'privateKeyDigest' },
      request: { path: '/v1/deliveries/confirmations' },
    });
    expect(claims?.request?.body).toBeUndefined();
    expect(JSON.stringify(claims)).not.toContain(packets[1].packetId);
    expect(new Set((await judged(bundle)).codes)).toEqual(new Set([0]));
  });

  it('of a purge is a certificate: when, by which rule, what was looked at, and what it does not prove', async () => {
    const { packetId } = await sendInline(source, withSecret);
    await accept(withSecret, await deliveryId(source, packetId, withSecret));
    const packet = await purged(source, packetId);
    const detail = (await evidenceOf(packetId)).at(-1)?.detail as Record<string, never>;
    expect(detail).toMatchObject({
      rule: 'all deliveries final, keepAfterConfirmSeconds over',
      removed: 1,
      abortedUploads: 0,
      checked: expect.arrayContaining(['objects', 'uploads']),
      store: expect.stringMatching(/^(s3|filesystem)$/),
      backupHorizon: null,
      statement: {
        vi: expect.stringContaining('Không khẳng định'),
        en: expect.stringContaining('has not said how long backups'),
      },
    });
    const times = [packet.finishedAt, detail.intendedAt, detail.deletedAt, detail.verifiedAbsentAt].map((at) =>
      Date.parse(at ?? ''),
    );
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('S15: each receipt is named by one entry of the audit log, which says the same', async () => {
    const { packetId } = await sendInline(source, [withSecret, withKeyPair]);
    await accept(withSecret, await deliveryId(source, packetId, withSecret));
    const rejected = (await waiting(withKeyPair, packetId)).deliveryId;
    await fetchAll(withKeyPair, rejected);
    await withKeyPair.client.deliveries.confirm(rejected, {
      outcome: 'rejected',
      parts: [],
      reasonCode: 'wrong_addressee',
    });
    await purged(source, packetId);
    const entries: AuditItem[] = [];
    for await (const entry of platform.admin.admin.audit.list({ packetId })) entries.push(entry);
    const claims = await evidenceOf(packetId);
    expect(claims.map(({ event }) => event).toSorted()).toEqual(
      [
        'packet.accepted',
        'delivery.ready',
        'delivery.ready',
        'delivery.accepted',
        'delivery.rejected',
        'packet.purged',
      ].toSorted(),
    );
    const named = claims.map(({ jti, event, deliveryId: delivery = null }) => ({
      subject: jti,
      action: event,
      deliveryId: delivery,
      packetId,
    }));
    const told = entries.filter(({ subject }) => subject !== null);
    expect(
      told.map(({ subject, action, deliveryId: delivery, packetId: of }) => ({
        subject,
        action,
        deliveryId: delivery,
        packetId: of,
      })),
    ).toEqual(expect.arrayContaining(named));
    expect(told).toHaveLength(named.length);
  });

  it('manage-platform-keys: a rotation publishes the new key before it signs, and refuses a second meanwhile', async () => {
    const { admin } = platform.admin;
    await platform.sql(`UPDATE platform_keys SET signs_from = least(signs_from, now()) WHERE retired_at IS NULL`);
    const made = await admin.platformKeys.rotate();
    expect(made).toMatchObject({ state: 'published', retiredAt: null });
    expect(Date.parse(made.signsFrom)).toBeGreaterThan(Date.now() + 300_000);
    expect((await platform.admin.jwks()).keys.map(({ kid }: { kid?: string }) => kid)).toContain(made.kid);
    await expect(admin.platformKeys.rotate()).rejects.toMatchObject({ code: 'already_exists', status: 409 });
    const answer = await platform.fetch('/v1/admin/platform-keys', { method: 'POST', body: {}, key: source.key });
    expect(answer).toMatchObject({ status: 403, json: { code: 'access_denied' } });
  });

  it('manage-platform-keys: a packet’s evidence verifies across a rotation, which reaches every instance within 10 s', async () => {
    const { admin } = platform.admin;
    const { packetId } = await sendInline(source, withSecret);
    await packetIn(source, packetId, 'scheduled');
    const fresh = await admin.platformKeys.rotate({ immediately: true });
    expect(fresh.state).toBe('signing');
    const started = Date.now();
    const signer = async (): Promise<string | undefined> => {
      const probe = await sendInline(source, withSecret);
      await packetIn(source, probe.packetId, 'scheduled');
      const { receipts } = await source.client.packets.receipts(probe.packetId);
      return decodeProtectedHeader(receipts[0].jws).kid;
    };
    // Four in a row, for there may be several instances.
    await eventually(
      async () => new Set([await signer(), await signer(), await signer(), await signer(), fresh.kid]).size === 1,
      {
        within: 15_000,
      },
    );
    expect(Date.now() - started).toBeLessThan(15_000);
    await accept(withSecret, await deliveryId(source, packetId, withSecret));
    await purged(source, packetId);
    const bundle = await source.client.packets.receipts(packetId);
    expect(new Set(bundle.receipts.map(({ jws }) => decodeProtectedHeader(jws).kid)).size).toBe(2);
    await claimsOf(bundle);
    expect(new Set((await judged(bundle)).codes)).toEqual(new Set([0]));
  });

  it('manage-platform-keys: the private half of a retired key is destroyed, and what it signed verifies still', async () => {
    const { packetId } = await sendInline(source, withSecret);
    await packetIn(source, packetId, 'scheduled');
    const bundle = await source.client.packets.receipts(packetId);
    const { kid } = decodeProtectedHeader(bundle.receipts[0].jws);
    const next = await platform.admin.admin.platformKeys.rotate({ immediately: true });
    // Ten minutes pass.
    await platform.sql(`UPDATE platform_keys SET retired_at = retired_at - interval '11 minutes' WHERE kid = $1`, [
      kid,
    ]);
    const key = async (): Promise<PlatformKeyView | undefined> => {
      for await (const one of platform.admin.admin.platformKeys.list()) if (one.kid === kid) return one;
      return undefined;
    };
    await eventually(async () => (await key())?.state === 'destroyed', { within: 40_000 });
    const halves = await platform.sql(`SELECT sealed_private FROM platform_keys WHERE kid = $1`, [kid]);
    expect(halves).toEqual([{ sealed_private: null }]);
    const told = async (action: AuditItem['action'], subject: string) => {
      for await (const entry of platform.admin.admin.audit.list({ action }))
        if (entry.subject === subject) return entry;
      return undefined;
    };
    expect(await told('platformKey.destroyed', kid!)).toMatchObject({ actor: expect.stringMatching(/^platform:/) });
    expect(await told('platformKey.rotated', next.kid)).toMatchObject({
      actor: platform.adminKey.keyId,
      detail: { signsInSeconds: 0 },
    });
    await claimsOf(bundle);
  });

  itWhen(!second.missing, second.missing ?? '')('that somebody changed is refused by both verifiers', async () => {
    const { packetId } = await sendInline(source, withSecret);
    await packetIn(source, packetId, 'scheduled');
    const bundle = await source.client.packets.receipts(packetId);
    const [header, payload, signature] = bundle.receipts[0].jws.split('.');
    const claims = { ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object), from: 'H99/gia' };
    bundle.receipts[0].jws = [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
    expect((await judged(bundle)).codes).toEqual([1, 1]);
  });
});
