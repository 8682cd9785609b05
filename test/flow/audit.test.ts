import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AuditCheckpointItem,
  type AuditItem,
  type ConfirmRequest,
  DELIVERY_TRANSITIONS,
  PACKET_TRANSITIONS,
  type Page,
} from '@lienthong/contracts';
import { type AuditLine, type SigningKey, verifyAuditRange } from '@lienthong/signing';
import { eventually } from '../support/eventually';
import {
  accept,
  fetchAll,
  inlineRequest,
  openSpace,
  packetIn,
  purged,
  receiveOne,
  sendInline,
  sendPut,
  waiting,
} from '../support/exchange';
import { onRealStack, type Party, type Platform, startPlatform, startStandalone } from '../support/platform';
import { RawStream } from '../support/raw-stream';

jest.setTimeout(180_000);

/** What the packet and its deliveries must be, told by the audit log alone; every step of it must be one that there is. */
function folded(entries: Pick<AuditItem, 'action' | 'deliveryId' | 'detail'>[]) {
  let [state, gone, planned] = ['', false, 0];
  const deliveries: Record<string, string> = {};
  for (const { action, deliveryId, detail } of entries) {
    const [of, became] = action.split('.');
    if (of === 'packet' && became in PACKET_TRANSITIONS) {
      const allowed: readonly string[] =
        state === '' ? ['open'] : PACKET_TRANSITIONS[state as keyof typeof PACKET_TRANSITIONS];
      expect({ from: state, allowed }).toMatchObject({ allowed: expect.arrayContaining([became]) as string[] });
      state = became;
    }
    if (action === 'packet.scheduled') planned = detail?.deliveries as number;
    if (action === 'packet.purged') gone = true;
    if (of !== 'delivery' || !deliveryId || !(became in DELIVERY_TRANSITIONS)) continue;
    const to = detail?.retryAt ? 'pending' : became;
    const from = (deliveries[deliveryId] ?? 'pending') as keyof typeof DELIVERY_TRANSITIONS;
    expect({ from, allowed: DELIVERY_TRANSITIONS[from] }).toMatchObject({
      allowed: expect.arrayContaining([to]) as string[],
    });
    deliveries[deliveryId] = to;
  }
  return { state, gone, planned, deliveries };
}

describe('The audit log', () => {
  const outside = mkdtempSync(join(tmpdir(), 'lienthong-checkpoints-'));
  let platform: Platform;
  /** Its checkpoints go to a folder, and its sealing may be stopped: on a stack that others use too this would stop their packets. */
  let own: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    own = await startStandalone({ AUDIT_SEAL_SECONDS: '1', AUDIT_EXPORT: outside });
    platform = onRealStack ? await startPlatform() : own;
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(async () => {
    await own?.stop();
    if (onRealStack) await platform?.stop();
    rmSync(outside, { recursive: true, force: true });
  });

  const ask = <T>(path: string, key?: SigningKey, of = platform) =>
    of.fetch<T>(`/v1/admin/audit${path}`, { key: key ?? of.adminKey });
  const entries = async (query: string): Promise<AuditItem[]> =>
    (await ask<Page<AuditItem>>(`?limit=500&${query}`)).json.items;
  const linesOf = async (query = '', of = platform): Promise<AuditLine[]> => {
    const { text } = await ask(`/bundle${query}`, undefined, of);
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditLine);
  };

  it('tells every state of every packet: folded, its entries are what the tables say', async () => {
    const first = await sendInline(source, destination);
    await receiveOne(destination, first.packetId);
    const again = await sendPut(source, destination);
    const { deliveryId } = await waiting(destination, again.packetId);
    await fetchAll(destination, deliveryId);
    const parts: { name: string; sha256: string }[] = [];
    await destination.client.deliveries.confirm(deliveryId, {
      outcome: 'rejected',
      parts,
      reasonCode: 'busy',
      retryable: true,
    });
    const refused = await sendInline(source, destination);
    const other = await waiting(destination, refused.packetId);
    await fetchAll(destination, other.deliveryId);
    await destination.client.deliveries.confirm(other.deliveryId, {
      outcome: 'rejected',
      parts,
      reasonCode: 'wrong_addressee',
      reason: 'Ông Nguyễn Văn A không nhận',
    });
    const third = await platform.makeParty();
    const both = await sendInline(source, [destination, third]);
    await receiveOne(third, both.packetId);
    await source.client.packets.recall(both.packetId, 'thu hồi');
    const late = await sendInline(source, destination);
    await packetIn(source, late.packetId, 'scheduled');
    await platform.sql(`UPDATE deliveries SET deliver_by = now() WHERE packet_id = $1`, [late.packetId]);
    await packetIn(source, late.packetId, 'completed', { within: 30_000 });
    const unused = await openSpace(source, destination);
    await source.client.packets.recall(unused.packetId, 'nhầm');
    for (const id of [first.packetId, refused.packetId, both.packetId, late.packetId, unused.packetId])
      await purged(source, id);

    const packets = await platform.sql<{ id: string; state: string; gone: boolean }>(
      'SELECT id, state, purged_at IS NOT NULL AS gone FROM packets WHERE source = $1',
      [source.systemId],
    );
    expect(packets).toHaveLength(6);
    for (const { id, state, gone } of packets) {
      const told = folded((await entries(`packetId=${id}`)).toReversed());
      const rows = await platform.sql<{ id: string; state: string }>(
        'SELECT id, state FROM deliveries WHERE packet_id = $1',
        [id],
      );
      const deliveries = Object.fromEntries(rows.map((row) => [row.id, row.state]));
      const pending = Object.fromEntries(rows.map((row) => [row.id, 'pending']));
      expect({ ...told, deliveries: { ...pending, ...told.deliveries } }).toEqual({
        state,
        gone,
        planned: rows.length,
        deliveries,
      });
    }
  });

  it('holds no word of persons, no secret and no content', async () => {
    const all = JSON.stringify(await platform.sql('SELECT * FROM audit_entries'));
    for (const canary of [
      'Nguyễn Văn A',
      'thu hồi',
      source.issued.secretKey ?? 'x',
      platform.adminKey.secret as string,
    ])
      expect(all).not.toContain(canary);
  });

  it('names who did it: the key that asked, or the part of the platform', async () => {
    const { packetId } = await sendInline(source, destination);
    await receiveOne(destination, packetId);
    await purged(source, packetId);
    const told = (await entries(`packetId=${packetId}`)).toReversed();
    const actors = Object.fromEntries(told.map(({ action, actor, systemId }) => [action, { actor, systemId }]));
    const sessions = await platform.sql<{ id: string; system_id: string }>('SELECT id, system_id FROM sessions');
    const systemOf = (actor: string) => sessions.find(({ id }) => id === actor)?.system_id;
    expect(systemOf(actors['packet.open'].actor)).toBe(source.systemId);
    expect(actors['packet.open'].systemId).toBe(source.systemId);
    expect(systemOf(actors['delivery.accepted'].actor)).toBe(destination.systemId);
    expect(systemOf(actors['delivery.ready'].actor)).toBe(destination.systemId);
    expect(actors['packet.purged']).toMatchObject({ systemId: null });
    expect(actors['packet.purged'].actor).toMatch(/^platform:/);
  });

  it('records who read a packet, its receipts, and fetched addresses again', async () => {
    const { packetId } = await sendInline(source, destination);
    const { deliveryId } = await waiting(destination, packetId);
    await fetchAll(destination, deliveryId);
    await fetchAll(destination, deliveryId);
    await destination.client.packets.receipts(packetId);
    await destination.client.packets.get(packetId);
    const told = await entries(`packetId=${packetId}`);
    const own = told.filter(({ systemId }) => systemId === destination.systemId).map(({ action }) => action);
    expect(own.toReversed()).toEqual([
      'delivery.notified',
      'delivery.ready',
      'delivery.addressed',
      'receipts.read',
      'packet.read',
    ]);
    await accept(destination, deliveryId);
  });

  it('records acts of administrators with them, and sessions', async () => {
    const { admin } = platform.admin;
    const party = await platform.makeParty();
    await party.client.deliveries.page();
    await party.client.sessions.close();
    const { grantId } = await admin.grants.create({ from: party.systemId, to: '*', dataTypes: ['file'] });
    await admin.grants.remove(grantId);
    await admin.agencies.change(party.agencyCode, { name: 'Tên mới', contact: { name: 'Trần Thị B' } });
    await admin.systems.change(party.systemId, { name: 'Hệ thống mới' });
    await admin.keys.revoke(party.systemId, party.issued.accessKey);
    // On the stack other tests act with the same key.
    const theirs = [party.agencyCode, party.systemId, party.issued.accessKey, grantId];
    const acts = (await entries(`actor=${platform.adminKey.keyId}`)).filter(
      (entry) => entry.action !== 'audit.read' && theirs.some((id) => JSON.stringify(entry).includes(id)),
    );
    expect(acts.map(({ action }) => action).toReversed()).toEqual([
      'agency.created',
      'system.created',
      'key.issued',
      'grant.created',
      'grant.created',
      'grant.removed',
      'agency.changed',
      'system.changed',
      'key.revoked',
    ]);
    expect(acts.find(({ action }) => action === 'agency.changed')).toMatchObject({
      subject: party.agencyCode,
      systemId: null,
      detail: { name: 'Tên mới', contact: 'changed' },
    });
    const [opened] = await entries(`actor=${party.issued.accessKey}`);
    expect(opened).toMatchObject({ action: 'session.opened', systemId: party.systemId });
    const [session] = await platform.sql<{ id: string }>('SELECT id FROM sessions WHERE access_key = $1', [
      party.issued.accessKey,
    ]);
    expect(await entries(`actor=${session.id}`)).toMatchObject([
      { action: 'session.closed', systemId: party.systemId, subject: session.id },
    ]);
  });

  it('records every task that an administrator has tried again, also when all are at once (A52)', async () => {
    const { packetId } = await sendInline(source, destination);
    await receiveOne(destination, packetId);
    await purged(source, packetId);
    // Only a handler that fails many times makes one; the table is what it would leave.
    const dead = await platform.sql<{ id: string }>(
      `INSERT INTO dead_tasks (id, kind, packet_id, attempt, reason)
       SELECT gen_random_uuid(), 'purge-content', $1, 8, 'S3 said no' FROM generate_series(1, 3) RETURNING id`,
      [packetId],
    );
    // On the stack dead tasks of other tests wait too.
    const { replayed } = await platform.admin.admin.deadTasks.replay(onRealStack ? { packetId } : {});
    expect(replayed).toBe(3);
    const told = await entries(`packetId=${packetId}&action=task.replayed`);
    expect(told.map(({ subject }) => subject).toSorted()).toEqual(dead.map(({ id }) => id).toSorted());
    for (const entry of told)
      expect(entry).toMatchObject({ actor: platform.adminKey.keyId, detail: { kind: 'purge-content' } });
  });

  it('records what a verified caller is refused, foreign and absent alike', async () => {
    const stranger = await platform.makeParty();
    const { packetId } = await sendInline(source, destination);
    const absent = '0197a1b2-7c33-7d00-8000-0123456789ab';
    for (const id of [packetId, absent])
      expect((await platform.fetch(`/v1/packets/${id}`, { key: stranger.key })).status).toBe(404);
    expect((await ask('', stranger.key)).status).toBe(403);
    const refused = (await entries(`actor=${stranger.key.keyId}&action=access.refused`)).toReversed();
    expect(refused.map(({ packetId: of, detail }) => [of, detail?.code])).toEqual([
      [packetId, 'not_found'],
      [absent, 'not_found'],
      [null, 'access_denied'],
    ]);
    expect(refused[0].subject).toBe('GET /v1/packets/:packetId');
  });

  it('records to whom a caller may not send, whether that stops the packet or the others have it, now or in another round', async () => {
    const sender = await platform.makeParty({ grantsTo: [destination.systemId] });
    const [grant] = await platform.sql<{ id: string }>('SELECT id FROM grants WHERE source = $1', [sender.systemId]);
    const refused = { code: 'recipients_refused' };
    await expect(sendInline(sender, [destination, source, 'H99.999'])).rejects.toMatchObject(refused);
    const policy = { allowPartial: true };
    const { packetId } = await sendInline(sender, [destination, source], { policy });
    const { deliveryId } = await waiting(destination, packetId);
    await fetchAll(destination, deliveryId);
    const rejected: ConfirmRequest = { outcome: 'rejected', parts: [], reasonCode: 'busy' };
    await destination.client.deliveries.confirm(deliveryId, rejected);
    await platform.admin.admin.grants.remove(grant.id);
    await expect(sender.client.packets.resend(packetId)).rejects.toMatchObject(refused);
    await sender.client.deliveries.confirmMany([{ deliveryId, ...rejected }]);
    const told = (await entries(`action=access.refused`)).filter(({ systemId }) => systemId === sender.systemId);
    expect(told.toReversed()).toMatchObject([
      {
        subject: 'POST /v1/packets',
        detail: { ...refused, reasons: { not_granted: 1, unknown_recipient: 1 }, notGranted: [source.systemId] },
      },
      { subject: 'POST /v1/packets', detail: { ...refused, reasons: { not_granted: 1 } } },
      {
        subject: 'POST /v1/packets/:packetId/resend',
        packetId,
        detail: { ...refused, notGranted: [destination.systemId] },
      },
      { subject: 'POST /v1/deliveries/confirmations', detail: { code: 'not_found', count: 1 } },
    ]);
  });

  it('read-audit: gives pages that miss nothing and repeat nothing', async () => {
    const whole = await entries('action=packet.open');
    const paged: AuditItem[] = [];
    let cursor = '';
    do {
      const { json } = await ask<Page<AuditItem>>(`?limit=2&action=packet.open${cursor}`);
      paged.push(...json.items);
      cursor = json.nextCursor ? `&cursor=${json.nextCursor}` : '';
    } while (cursor !== '' && paged.length < whole.length);
    expect(paged.map(({ id }) => id)).toEqual(whole.slice(0, paged.length).map(({ id }) => id));
    expect(paged.length).toBeGreaterThan(5);
    expect((await ask('?cursor=xx')).status).toBe(400);
    expect((await ask('?action=nothing')).status).toBe(400);
  });

  it('seal-audit: seals what was recorded, and a range verifies offline with the saved keys and a checkpoint kept outside', async () => {
    const { packetId } = await sendInline(source, destination);
    await packetIn(source, packetId, 'scheduled');
    await eventually(
      async () => (await entries(`packetId=${packetId}&action=packet.open`))[0]?.seq !== null || undefined,
      { within: 60_000 },
    );
    const { items } = (await ask<Page<AuditCheckpointItem>>('/checkpoints?limit=2')).json;
    const jwks = (await platform.fetch<{ keys: object[] }>('/.well-known/jwks.json')).json;
    const lines = await linesOf();
    const verdict = await verifyAuditRange(
      lines,
      jwks,
      items.map(({ jws }) => jws),
    );
    expect(verdict.problems).toEqual([]);
    expect(verdict.to).toBeGreaterThanOrEqual(items[0].size);
    const part = await verifyAuditRange(await linesOf(`?from=${items[0].size - 1}`), jwks, [items[0].jws]);
    expect(part).toMatchObject({ valid: true, from: items[0].size - 1 });
    const forged = lines.map((line) =>
      line.type === 'entry' ? { ...line, entry: { ...line.entry, actor: 'x' } } : line,
    );
    expect((await verifyAuditRange(forged, jwks)).valid).toBe(false);
  });

  it('seal-audit: checkpoints stand in a folder outside the database, and verify with what they were made of', async () => {
    const names = await eventually(async () => {
      const found = readdirSync(outside).filter((name) => name.endsWith('.jws'));
      return found.length > 0 && found.toSorted();
    });
    const kept = names.map((name) => readFileSync(join(outside, name), 'utf8'));
    const jwks = (await own.fetch<{ keys: object[] }>('/.well-known/jwks.json')).json;
    const verdict = await verifyAuditRange(await linesOf('', own), jwks, kept);
    expect(verdict.problems).toEqual([]);
    expect(verdict.to).toBeGreaterThan(0);
  });

  it('takes no new packets and is not ready while nothing was sealed for four hours, and goes on when it is', async () => {
    const [from, to] = onRealStack ? [await own.makeParty(), await own.makeParty()] : [source, destination];
    const ready = async () => (await fetch(`${own.baseUrl}/readyz`)).status;
    const body = inlineRequest(to);
    const send = async () => (await own.fetch('/v1/packets', { method: 'POST', key: from.key, body })).status;
    const known = await sendInline(from, to);
    await own.sql(`SELECT pg_advisory_lock(hashtext('lienthong:seal-audit'))`);
    try {
      await own.sql(
        `INSERT INTO audit_entries (at, actor, action) VALUES (now() - interval '5 hours', 'test', 'packet.read')`,
      );
      await eventually(async () => (await send()) === 503, { every: 500 });
      expect(await ready()).toBe(503);
      await receiveOne(to, known.packetId);
    } finally {
      await own.sql(`SELECT pg_advisory_unlock(hashtext('lienthong:seal-audit'))`);
    }
    await eventually(async () => (await send()) === 201, { within: 30_000, every: 500 });
    expect(await ready()).toBe(200);
  });

  it('forget-audit: has the partitions of the months to come', async () => {
    const months = await eventually(async () => {
      const rows = await platform.sql<{ name: string }>(
        `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit_entries'::regclass`,
      );
      return rows.length >= 4 && rows;
    });
    expect(months.length).toBeGreaterThanOrEqual(4);
  });

  it('accept-stream: records an administrator that wants a stream', async () => {
    expect((await RawStream.of(platform.baseUrl, { key: platform.adminKey })).refused).toBe(403);
    // On the stack other tests act with the same key.
    const refused = await entries(`actor=${platform.adminKey.keyId}&action=access.refused`);
    expect(refused.find(({ subject }) => subject === 'GET /v1/stream')).toMatchObject({
      systemId: null,
      detail: { code: 'access_denied' },
    });
  });
});
