import { Authority, canMakeCertificates, type Credentials } from '../support/certificates';
import { eventually } from '../support/eventually';
import { sendInline } from '../support/exchange';
import { type Party, type Platform, startStandalone } from '../support/platform';
import { verified, WebhookReceiver } from '../support/webhook-receiver';
import { itWhen } from '../support/when';

jest.setTimeout(120_000);

const itWithTls = itWhen(canMakeCertificates, 'OpenSSL 3 is not on this machine');

/** How an operator has it: https alone, the receivers' network, and the province's own authority. */
describe('Webhooks over TLS', () => {
  const receivers: WebhookReceiver[] = [];
  const authorities: Authority[] = [];
  let good: Credentials;
  let refused: Record<string, { credentials: Credentials; vi: string; en: string }>;
  let platform: Platform;
  let source: Party;

  beforeAll(async () => {
    if (!canMakeCertificates) return;
    const [own, stranger] = ['Tổ chức chứng thực của tỉnh', 'Tổ chức khác'].map((name) => new Authority(name));
    authorities.push(own, stranger);
    good = own.issue('DNS:localhost,IP:127.0.0.1');
    refused = {
      certificate_untrusted: {
        credentials: stranger.issue('IP:127.0.0.1'),
        vi: 'không do tổ chức chứng thực mà nền tảng tin cậy cấp',
        en: 'was not issued by an authority that the platform trusts',
      },
      certificate_expired: { credentials: own.issue('IP:127.0.0.1', -1), vi: 'đã hết hạn', en: 'has expired' },
      certificate_mismatch: {
        credentials: own.issue('DNS:qlvb.example.vn,IP:127.0.0.2'),
        vi: 'được cấp cho tên máy chủ khác',
        en: 'names another host',
      },
    };
    platform = await startStandalone({
      NODE_EXTRA_CA_CERTS: own.file,
      WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1/32,::1/128',
      WEBHOOK_RETRY_SECONDS: '1',
    });
    source = await platform.makeParty();
  });
  afterAll(async () => {
    await platform?.stop();
    await Promise.all(receivers.map((receiver) => receiver.stop()));
    authorities.forEach((authority) => authority.remove());
  });

  async function receiverWith(credentials: Credentials | undefined, host?: string): Promise<WebhookReceiver> {
    const receiver = await WebhookReceiver.start(0, credentials, host);
    receivers.push(receiver);
    return receiver;
  }
  const packetOf = (packetId: string) => source.client.packets.get(packetId);

  for (const host of ['127.0.0.1', 'localhost'])
    itWithTls(
      `manage-webhook, call-webhooks: reach ${host} with a certificate of an authority that was added`,
      async () => {
        const receiver = await receiverWith(good, host);
        const party = await platform.makeParty();
        const { secret, url } = await party.client.webhook.set({ url: receiver.url });
        expect(url).toBe(`https://${host}:${receiver.port}/lienthong`);
        const { packetId } = await sendInline(source, party);
        const call = await receiver.answered(packetId);
        expect(verified(call, secret)).toEqual(call.event);
        const told = await eventually(async () =>
          (await packetOf(packetId)).timeline.find(({ event }) => event === 'delivery.notified'),
        );
        expect(told.detail).toEqual({ channel: 'webhook' });
      },
    );

  for (const error of ['certificate_untrusted', 'certificate_expired', 'certificate_mismatch']) {
    itWithTls(`manage-webhook: are not set with ${error}; nothing is sent`, async () => {
      const receiver = await receiverWith(refused[error].credentials);
      const party = await platform.makeParty();
      await expect(party.client.webhook.set({ url: receiver.url })).rejects.toMatchObject({
        code: 'webhook_unverified',
        message: expect.stringContaining(error),
      });
      await expect(party.client.webhook.show()).rejects.toMatchObject({ code: 'not_found' });
      expect(receiver.requests).toBe(0);
    });

    itWithTls(
      `call-webhooks: tell the timeline of ${error}, send nothing, and go on with a good certificate`,
      async () => {
        const receiver = await receiverWith(good);
        const party = await platform.makeParty();
        await party.client.webhook.set({ url: receiver.url });
        const { credentials, vi, en } = refused[error];
        receiver.show(credentials);
        const { packetId } = await sendInline(source, party);
        const told = await eventually(async () =>
          (await packetOf(packetId)).timeline.find(({ event }) => event === 'delivery.webhookFailed'),
        );
        expect(told.detail).toEqual({ error });
        expect(told.sentence.vi).toMatch(
          /^Chưa báo được cho \S+ qua webhook: chứng thư số của máy nhận .*; nền tảng sẽ thử lại/,
        );
        expect(told.sentence.vi).toContain(vi);
        expect(told.sentence.en).toContain(en);
        expect((await packetOf(packetId)).recipients[0].state).toBe('pending');
        const failing = await eventually(async () => {
          const view = await party.client.webhook.show();
          return view.failures >= 2 && view;
        });
        expect(failing).toMatchObject({ state: 'failing', lastError: error });
        expect(receiver.requests).toBe(1);
        receiver.show(good);
        await receiver.answered(packetId);
        expect(receiver.events.map(({ event }) => event.subject)).toEqual([packetId]);
        await eventually(async () => (await packetOf(packetId)).recipients[0].state === 'notified');
      },
    );
  }

  itWithTls('manage-webhook: are not set at a receiver that speaks no TLS', async () => {
    const receiver = await receiverWith(undefined);
    const party = await platform.makeParty();
    const set = (url: string) => party.client.webhook.set({ url });
    await expect(set(receiver.url)).rejects.toMatchObject({ code: 'webhook_address_refused' });
    await expect(set(receiver.url.replace('http:', 'https:'))).rejects.toMatchObject({
      code: 'webhook_unverified',
      message: expect.stringContaining('tls_failed'),
    });
    expect(receiver.requests).toBe(0);
  });
});
