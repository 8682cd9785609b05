import type { Recipient } from '@lienthong/contracts';
import { inlineRequest, newFile, partOf, receiveOne, sendInline } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(60_000);

describe('Who a packet goes to', () => {
  let platform: Platform;
  let source: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    source = await platform.makeParty();
  });
  afterAll(() => platform?.stop());

  const routed = async (to: string, dataType = 'file'): Promise<Recipient> => {
    const { recipients, packetId } = await sendInline(source, to, { dataType });
    await source.client.packets.recall(packetId, 'chỉ thử đường đi');
    return recipients[0];
  };
  const refused = async (to: string, dataType = 'file', by = source) => {
    const file = partOf(newFile());
    const request = { to: [to], title: 'x', dataType, protocol: 'put', parts: [file] };
    const { status, json } = await platform.fetch<{ code: string; recipients: Recipient[]; space?: unknown }>(
      '/v1/packets',
      { method: 'POST', body: request, key: by.key },
    );
    expect({ status, code: json.code, space: json.space }).toEqual({
      status: 422,
      code: 'recipients_refused',
      space: undefined,
    });
    return json.recipients[0];
  };

  it('request-space: routes a code by the data type, else to the default system, and a system id to that system', async () => {
    const agencyCode = await platform.newAgency();
    const documents = await platform.makeParty({ agencyCode, slug: 'van-ban', receives: ['edxml.document'] });
    const files = await platform.makeParty({ agencyCode, slug: 'tep', receives: ['file'], default: true });
    expect(await routed(agencyCode, 'edxml.document')).toMatchObject({
      systemId: documents.systemId,
      routedBy: 'dataType',
    });
    expect(await routed(agencyCode, 'file')).toMatchObject({ systemId: files.systemId, routedBy: 'dataType' });
    expect(await routed(agencyCode, 'ho-so.mot-cua')).toMatchObject({ systemId: files.systemId, routedBy: 'default' });
    expect(await routed(documents.systemId, 'edxml.document')).toMatchObject({
      address: documents.systemId,
      systemId: documents.systemId,
      routedBy: 'system',
    });
  });

  it('manage-agencies: an agency that was renamed is reached through its successor, and the answer says so', async () => {
    const successor = await platform.makeParty();
    const former = await platform.newAgency('Sở cũ');
    await platform.admin.admin.agencies.change(former, { successorCode: successor.agencyCode });
    expect(await routed(former)).toMatchObject({
      address: former,
      systemId: successor.systemId,
      routedBy: 'successor',
    });
  });

  it('takes the old form of a code wherever a code is taken', async () => {
    const digits = String(Math.floor(Math.random() * 1e7)).padStart(7, '0');
    const old = `${digits.slice(0, 3)}.${digits.slice(3, 5)}.${digits.slice(5)}.Z${String(Date.now() % 100).padStart(2, '0')}`;
    const destination = await platform.makeParty();
    await platform.admin.admin.agencies.change(destination.agencyCode, { aliases: [old] });
    expect(await routed(old)).toMatchObject({ address: old, systemId: destination.systemId });
    expect(await routed(`${old}/qlvb`)).toMatchObject({ systemId: destination.systemId, routedBy: 'system' });
    expect(await source.client.directory.get(old)).toMatchObject({ kind: 'agency', address: destination.agencyCode });
  });

  it('refuses an unknown recipient before any upload', async () => {
    expect(await refused('Z99.KHONG')).toMatchObject({ allowed: false, reason: 'unknown_recipient', systemId: null });
    expect(await refused(`${source.agencyCode}/khong-co`)).toMatchObject({ reason: 'unknown_recipient' });
    expect(await refused('not a code')).toMatchObject({ reason: 'unknown_recipient' });
  });

  it('refuses an agency without a system, and one whose systems do not take the data type, before any upload', async () => {
    expect(await refused(await platform.newAgency())).toMatchObject({ reason: 'no_system' });
    const files = await platform.makeParty({ default: false, receives: ['file'] });
    expect(await refused(files.systemId, 'edxml.document')).toMatchObject({ reason: 'data_type_not_received' });
  });

  it('refuses a dissolved agency before any upload, by code and by system', async () => {
    const dissolved = await platform.makeParty();
    await platform.admin.admin.agencies.change(dissolved.agencyCode, { dissolved: true });
    expect(await refused(dissolved.agencyCode)).toMatchObject({ reason: 'agency_dissolved' });
    expect(await refused(dissolved.systemId)).toMatchObject({ reason: 'agency_dissolved' });
  });

  it('manage-systems: refuses a suspended system before any upload, and takes it again when it is released', async () => {
    const suspended = await platform.makeParty();
    const { systems } = platform.admin.admin;
    await systems.change(suspended.systemId, { suspended: true });
    expect(await refused(suspended.systemId)).toMatchObject({ reason: 'system_suspended' });
    await systems.change(suspended.systemId, { suspended: false });
    expect(await routed(suspended.systemId)).toMatchObject({ allowed: true });
  });

  it('manage-grants: refuses what nobody granted before any upload, and takes it once it is granted', async () => {
    const [stranger, destination] = [await platform.makeParty({ grantsTo: [] }), await platform.makeParty()];
    expect(await refused(destination.systemId, 'file', stranger)).toMatchObject({
      allowed: false,
      reason: 'not_granted',
      systemId: destination.systemId,
    });
    const { grants } = platform.admin.admin;
    const grant = await grants.create({ from: stranger.agencyCode, to: destination.agencyCode, dataTypes: ['file'] });
    const { packetId } = await sendInline(stranger, destination);
    expect(await refused(destination.systemId, 'edxml.document', stranger)).toMatchObject({ allowed: false });
    await grants.remove(grant.grantId);
    expect(await refused(destination.systemId, 'file', stranger)).toMatchObject({ reason: 'not_granted' });
    await receiveOne(destination, packetId);
  });

  it('answers for each recipient, in the order of the request, and refuses all unless allowPartial is set (A56)', async () => {
    const [one, two] = [await platform.makeParty(), await platform.makeParty()];
    const to = [one.systemId, 'Z99.KHONG', two.agencyCode, one.agencyCode];
    const whole = await platform.fetch<{ recipients: Recipient[]; detail: string }>('/v1/packets', {
      method: 'POST',
      body: inlineRequest(to),
      key: source.key,
    });
    expect(whole.status).toBe(422);
    expect(whole.json.recipients.map(({ address, allowed, reason }) => ({ address, allowed, reason }))).toEqual([
      { address: to[0], allowed: true, reason: undefined },
      { address: to[1], allowed: false, reason: 'unknown_recipient' },
      { address: to[2], allowed: true, reason: undefined },
      { address: to[3], allowed: false, reason: 'duplicate_recipient' },
    ]);
    expect(whole.json.detail).toContain('allowPartial');
    expect((await one.client.deliveries.page()).items).toEqual([]);

    const partial = await sendInline(source, to, { policy: { allowPartial: true } });
    expect(partial.recipients.filter(({ allowed }) => allowed)).toHaveLength(2);
    await Promise.all([one, two].map((party) => receiveOne(party, partial.packetId)));
  });

  it('refuses allowPartial too when nobody is left', async () => {
    const { status, json } = await platform.fetch('/v1/packets', {
      method: 'POST',
      body: inlineRequest(['Z99.KHONG'], { policy: { allowPartial: true } }),
      key: source.key,
    });
    expect({ status, code: json.code }).toEqual({ status: 422, code: 'recipients_refused' });
  });

  it('read-directory: finds agencies and systems without accents and in any case, and shows who is online', async () => {
    const code = await platform.newAgency('Sở Giáo dục và Đào tạo Thử Nghiệm');
    const party = await platform.makeParty({ agencyCode: code, slug: 'ho-so', receives: ['ho-so.mot-cua'] });
    const found = async (query: { q?: string; dataType?: string }) => {
      const all: string[] = [];
      for await (const { address } of source.client.directory.search(query)) all.push(address);
      return all;
    };
    expect(await found({ q: 'so giao duc va dao tao thu nghiem' })).toContain(code);
    expect(await found({ q: 'SỞ GIÁO DỤC VÀ ĐÀO TẠO THỬ' })).toContain(code);
    expect(await found({ q: code.toLowerCase() })).toEqual(expect.arrayContaining([code, party.systemId]));
    expect(await found({ q: code, dataType: 'ho-so.mot-cua' })).toContain(party.systemId);
    expect(await found({ q: code, dataType: 'file' })).toEqual([]);
    expect(await source.client.directory.get(party.systemId)).toMatchObject({ kind: 'system', online: false });
    await party.client.events.poll();
    expect(await source.client.directory.get(party.systemId)).toMatchObject({ online: true });
    expect((await source.client.directory.get(code)).systems).toEqual([
      expect.objectContaining({ address: party.systemId }),
    ]);
    await expect(source.client.directory.get('Z99.KHONG')).rejects.toMatchObject({ status: 404 });
  });
});
