import { openSpace, sendInline, waiting, accept, sendPut, receiveOne } from '../support/exchange';
import { checkAnswer, OPERATION_IDS } from '../support/openapi-answers';
import { answered } from '../support/openapi-watch';
import { onEmbedded, type Platform, startPlatform } from '../support/platform';

const answer = (method: string, target: string, status: number, body: object) => ({
  method,
  target,
  status,
  contentType: 'application/json',
  body: JSON.stringify(body),
});
/** On the internal port of the stack's apps, or answered (and looked at just so) in the flow test of their own step. */
const ELSEWHERE =
  /^(readyz|metrics)$|^(CheckAccess|CheckSignature|IssueToken|ReportLegacySignatures|OwnKeys|OwnCalendar|ManageCalendars|ManagePlatformKeys|RewrapSecrets|ReadAudit|ReplayDeadTasks|WatchConnections|ManageWebhook)Controller_|^ManageKeysController_rotate$|^ResendPacketController_|^ReadPacketController_stuck$/;
const PROBLEM_401 = { type: 'urn:x', title: 't', status: 401, detail: 'd', code: 'clock_skew' };

describe('docs/openapi.json', () => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await startPlatform();
  }, 120_000);
  afterAll(() => platform.stop());

  it('describes what every route answers when all is well', async () => {
    const { admin } = platform.admin;
    const source = await platform.makeParty();
    const destination = await platform.makeParty();
    await admin.agencies.list({ limit: 1 }).next();
    await admin.agencies.get(source.agencyCode);
    await admin.agencies.change(source.agencyCode, { name: 'Cơ quan đổi tên' });
    await admin.systems.list().next();
    await admin.systems.get(source.systemId);
    await admin.systems.change(source.systemId, { name: 'Hệ thống đổi tên' });
    const spare = await admin.keys.issue(source.systemId, { algorithms: ['hmac-sha256'] });
    await admin.keys.list(source.systemId).next();
    await admin.keys.revoke(source.systemId, spare.accessKey);
    const grant = await admin.grants.create({ from: source.systemId, to: destination.systemId, dataTypes: ['file'] });
    await admin.grants.list().next();
    await admin.grants.remove(grant.grantId);
    await admin.queues();
    await admin.policies.setOfDataType('file', (await admin.policies.ofDataType('file')).rules);
    await admin.policies.setOfSystem(source.systemId, (await admin.policies.ofSystem(source.systemId)).rules);

    const { packets, deliveries, directory, events, sessions } = source.client;
    await directory.page({ q: 'cơ quan' });
    await directory.get(destination.agencyCode);
    await directory.get(destination.systemId);
    await source.client.limits();
    await source.client.jwks();

    const { packetId } = await sendPut(source, destination);
    const { packetId: unused } = await openSpace(source, destination);
    await packets.renewSpace(unused);
    await packets.recall(unused, 'gửi nhầm');
    await receiveOne(destination, packetId);
    await destination.client.packets.reportStatus(packetId, { code: '03', description: 'Đã tiếp nhận' });
    await packets.get(packetId);
    await packets.page();
    await packets.receipts(packetId);
    const second = await sendInline(source, destination);
    const { deliveryId } = await waiting(destination, second.packetId);
    await destination.client.deliveries.confirmMany([
      { deliveryId, outcome: 'rejected', parts: [], reasonCode: 'wrong_addressee' },
    ]);
    const third = await sendInline(source, destination);
    await packets.extend(third.packetId, new Date(Date.now() + 20 * 86_400_000).toISOString());
    await accept(destination, (await waiting(destination, third.packetId)).deliveryId);
    await deliveries.page();
    await events.poll({ after: '0' });
    await events.ticket();
    await sessions.open();
    await sessions.close();
    for (const path of ['/healthz', ...(onEmbedded ? ['/readyz', '/metrics'] : [])]) await platform.fetch(path);

    expect(OPERATION_IDS.filter((id) => !answered.has(id) && !ELSEWHERE.test(id))).toEqual([]);
  });

  it.each([
    ['an unknown status', { method: 'GET', target: '/v1/limits', status: 418, contentType: null, body: '' }],
    ['an unknown field', answer('GET', '/v1/stream-tickets', 200, { url: 'ws://x', expiresAt: 'x' })],
    ['a route that there is not', answer('GET', '/v1/none', 200, {})],
    ['a time that is none', answer('POST', '/v1/stream-tickets', 201, { url: 'ws://x/y', expiresAt: 'soon' })],
    ['a code of another status', answer('GET', '/v1/packets', 401, { ...PROBLEM_401, code: 'not_found' })],
    ['a problem as plain JSON', answer('GET', '/v1/packets', 401, PROBLEM_401)],
  ])('is held against answers: %s is found', (_, seen) => {
    expect(checkAnswer(seen).problems).not.toEqual([]);
  });
});
