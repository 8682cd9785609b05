import type { SendAnswer } from '@lienthong/contracts';
import { openSpace, packetIn, put, sendInline, sendPut } from '../support/exchange';
import { type Party, type Platform, startStandalone } from '../support/platform';

jest.setTimeout(90_000);

const hour = 3600;
const HOURS = (hours: number): number => hours * hour * 1000;

describe('The policy in force (request-space, complete-upload, manage-policies)', () => {
  let platform: Platform;
  let destination: Party;

  beforeAll(async () => {
    platform = await startStandalone({
      DELIVER_BY_SECONDS: String(48 * hour),
      DELIVER_BY_SECONDS_MAX: String(72 * hour),
      KEEP_AFTER_CONFIRM_SECONDS: '7',
      WARN_AT_PERCENT: '25,75',
      URGENT_QUOTA: '3',
    });
    destination = await platform.makeParty();
  });
  afterAll(() => platform?.stop());

  const { stringify } = JSON;
  const inForce = async (source: Party, packetId: string) => {
    const { policy, policySources, receivedAt } = await packetIn(source, packetId, 'scheduled');
    const hours = Math.round((Date.parse(policy.deliverBy ?? '') - Date.parse(receivedAt ?? '')) / HOURS(1));
    return { ...policy, deliverBy: hours, sources: policySources };
  };

  it('is the platform’s where nobody says anything, and shows it of each value', async () => {
    const source = await platform.makeParty();
    const { packetId } = await sendInline(source, destination);
    expect(await inForce(source, packetId)).toEqual({
      deliverBy: 48,
      keepAfterConfirmSeconds: 7,
      warnAt: [0.25, 0.75],
      allowPartial: false,
      sources: {
        deliverBy: 'platform',
        keepAfterConfirmSeconds: 'platform',
        warnAt: 'platform',
        allowPartial: 'platform',
      },
    });
    expect(await source.client.limits()).toMatchObject({
      deliverBySecondsDefault: 48 * hour,
      deliverBySecondsMax: 72 * hour,
    });
  });

  it('takes each value from the nearest that sets it: platform, data type, system, request, completion', async () => {
    const dataType = 'file.policy-test';
    const source = await platform.makeParty();
    const receiver = await platform.makeParty({ receives: [dataType] });
    const { policies } = platform.admin.admin;
    const rules = { deliverBySeconds: 24 * hour, keepAfterConfirmSeconds: 60, warnAt: [0.9] };
    expect(await policies.ofDataType(dataType)).toEqual({
      scope: `dataType:${dataType}`,
      rules: {},
      changedAt: null,
    });
    expect(await policies.setOfDataType(dataType, rules)).toMatchObject({ rules, changedAt: expect.any(String) });
    await policies.setOfSystem(source.systemId, { deliverBySeconds: 12 * hour, deliverBySecondsMax: 36 * hour });
    expect(await policies.ofSystem(source.systemId)).toMatchObject({
      scope: `system:${source.systemId}`,
      rules: { deliverBySeconds: 12 * hour, deliverBySecondsMax: 36 * hour },
    });

    const deliverAfter = new Date(Date.now() + HOURS(1)).toISOString();
    const { packetId, uploads, files } = await openSpace(source, receiver, undefined, {
      dataType,
      policy: { allowPartial: true, warnAt: [0.1], deliverAfter },
    });
    expect((await put(uploads[0], files[0].bytes)).status).toBe(200);
    await source.client.packets.complete(packetId, { policy: { warnAt: [0.3] } });
    expect(await inForce(source, packetId)).toEqual({
      deliverBy: 12,
      keepAfterConfirmSeconds: 60,
      warnAt: [0.3],
      allowPartial: true,
      deliverAfter,
      sources: {
        deliverBy: `system:${source.systemId}`,
        keepAfterConfirmSeconds: `dataType:${dataType}`,
        warnAt: 'completion',
        allowPartial: 'packet',
        deliverAfter: 'packet',
      },
    });
    const tooFar = new Date(Date.now() + HOURS(40)).toISOString();
    await expect(sendInline(source, receiver, { dataType, policy: { deliverBy: tooFar } })).rejects.toMatchObject({
      problem: { code: 'validation_failed', errors: [{ pointer: '/policy/deliverBy', code: 'too_far' }] },
    });

    await policies.setOfSystem(source.systemId, {});
    const { packetId: later } = await sendInline(source, receiver, { dataType });
    expect((await inForce(source, later)).sources.deliverBy).toBe(`dataType:${dataType}`);
  });

  it('is set by administrators only, for what there is, within the bounds, and each change is on the audit log', async () => {
    const source = await platform.makeParty();
    const target = `/v1/admin/systems/${source.systemId}/policy`;
    const setBy = (key: typeof source.key, body: unknown, at = target) =>
      platform.fetch(at, { method: 'PUT', body, key });
    expect((await setBy(source.key, {})).status).toBe(403);
    expect((await setBy(platform.adminKey, {}, `/v1/admin/systems/${source.agencyCode}/none/policy`)).status).toBe(404);
    expect((await setBy(platform.adminKey, {}, '/v1/admin/data-types/File/policy')).status).toBe(404);
    for (const body of [
      { deliverBySeconds: 0 },
      { deliverBySeconds: 31 * 24 * hour },
      { deliverBySecondsMax: '5' },
      { keepAfterConfirmSeconds: -1 },
      { warnAt: [1.5] },
      { warnAt: 'x' },
      { allowPartial: 'true' },
      { urgentQuota: -1 },
      { unknown: 1 },
    ])
      expect([stringify(body), (await setBy(platform.adminKey, body)).status]).toEqual([stringify(body), 400]);
    const ofType = '/v1/admin/data-types/file/policy';
    expect((await setBy(platform.adminKey, { urgentQuota: 5 }, ofType)).status).toBe(400);
    await platform.admin.admin.policies.setOfSystem(source.systemId, { warnAt: [0.5] });
    const { value } = await platform.admin.admin.audit.list({ action: 'policy.changed', limit: 1 }).next();
    expect(value).toMatchObject({ subject: `system:${source.systemId}`, detail: { warnAt: [0.5] } });
  });

  describe('Importance', () => {
    it('is asked for within a quota; what is beyond it is sent as normal, and says so (A57)', async () => {
      const source = await platform.makeParty();
      const sent: SendAnswer[] = [];
      for (const priority of ['urgent', 'veryUrgent', 'express', 'express', 'normal'] as const)
        sent.push(await sendInline(source, destination, { priority }));
      expect(sent.map(({ priority, askedPriority }) => [priority, askedPriority])).toEqual([
        ['urgent', undefined],
        ['veryUrgent', undefined],
        ['express', undefined],
        ['normal', 'express'],
        ['normal', undefined],
      ]);
      const downgraded = await packetIn(source, sent[3].packetId, 'scheduled');
      expect(downgraded).toMatchObject({ priority: 'normal', askedPriority: 'express' });
      expect(downgraded.timeline.map(({ event }) => event)).toContain('packet.downgraded');
      expect(downgraded.timeline.find(({ event }) => event === 'packet.downgraded')).toMatchObject({
        detail: { asked: 'express', quota: 3 },
        sentence: { vi: expect.stringContaining('gửi ở mức Thường thay vì Hỏa tốc') },
      });
      const { items } = await destination.client.deliveries.page({ limit: 500 });
      expect(items.find(({ packetId }) => packetId === sent[3].packetId)).toMatchObject({ priority: 'normal' });
    });

    it('is not charged for a request that is repeated, nor for one that is refused', async () => {
      const source = await platform.makeParty();
      const asked = { priority: 'express' as const, parts: [{ name: 'a', mediaType: 'text/plain', content: 'eA==' }] };
      for (let n = 0; n < 5; n++) await sendInline(source, destination, asked, 'mot-khoa');
      await expect(sendInline(source, 'H99.999', asked)).rejects.toMatchObject({ code: 'recipients_refused' });
      const next = [await sendPut(source, destination, undefined, { priority: 'express' })];
      next.push(await sendPut(source, destination, undefined, { priority: 'express' }));
      expect(next.map(({ answer }) => answer.priority)).toEqual(['express', 'express']);
      const { answer } = await openSpace(source, destination, undefined, { priority: 'urgent' });
      expect(answer).toMatchObject({ priority: 'normal', askedPriority: 'urgent' });
    });

    it('has a quota per system that an administrator sets, none at all with 0', async () => {
      const source = await platform.makeParty();
      const { policies } = platform.admin.admin;
      await policies.setOfSystem(source.systemId, { urgentQuota: 0 });
      expect(await sendInline(source, destination, { priority: 'urgent' })).toMatchObject({ priority: 'normal' });
      await policies.setOfSystem(source.systemId, { urgentQuota: 1000 });
      const sent = await Promise.all(
        Array.from({ length: 12 }, () => sendInline(source, destination, { priority: 'urgent' })),
      );
      expect(sent.map(({ priority }) => priority)).toEqual(Array(12).fill('urgent'));
    });

    it('is kept to by requests that come at the same moment', async () => {
      const source = await platform.makeParty();
      const sent = await Promise.all(
        Array.from({ length: 12 }, () => sendInline(source, destination, { priority: 'express' })),
      );
      expect(sent.filter(({ priority }) => priority === 'express')).toHaveLength(3);
    });
  });
});
