import { randomUUID } from 'node:crypto';
import {
  deliveryId,
  digest,
  download,
  fetchAll,
  inlineRequest,
  newFile,
  openSpace,
  packetIn,
  purged,
  put,
  sendPut,
} from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(90_000);

/** A database that refuses at the last moment, when everything is written and COMMIT is said: whoever answers sooner says what is not so. */
describe('What did not commit', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  const post = (path: string, { key }: Party, body?: unknown) => platform.fetch(path, { method: 'POST', body, key });

  /** Meanwhile no transaction commits that changed a packet of this title. */
  async function whileNothingCommits(title: string, work: () => Promise<void>): Promise<void> {
    const name = `refuses_${randomUUID().replaceAll('-', '')}`;
    await platform.sql(
      `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused at the commit'; END $$;
       CREATE CONSTRAINT TRIGGER ${name} AFTER UPDATE ON packets DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW WHEN (NEW.title = '${title}') EXECUTE FUNCTION ${name}()`,
    );
    try {
      await work();
    } finally {
      await platform.sql(`DROP TRIGGER ${name} ON packets; DROP FUNCTION ${name}()`);
    }
  }

  const newTitle = () => `V/v ${randomUUID()}`;
  /** A packet that the destination has fetched and not confirmed. */
  async function fetched() {
    const title = newTitle();
    const { packetId } = await sendPut(source, destination, newFile(), { title });
    const delivery = await deliveryId(source, packetId, destination);
    const [content] = await fetchAll(destination, delivery);
    const accepted = { outcome: 'accepted', parts: [{ name: content.part, sha256: digest(content.bytes) }] };
    return { title, packetId, delivery, content, accepted };
  }
  const stateOf = async (packetId: string) => (await source.client.packets.get(packetId)).state;

  it('complete-upload: is not answered as received, and may be completed again', async () => {
    const title = newTitle();
    const { packetId, uploads, files } = await openSpace(source, destination, newFile(), { title });
    await put(uploads[0], files[0].bytes);
    await whileNothingCommits(title, async () => {
      expect((await post(`/v1/packets/${packetId}/complete`, source, {})).status).toBe(500);
      expect(await stateOf(packetId)).toBe('open');
    });
    expect((await post(`/v1/packets/${packetId}/complete`, source, {})).status).toBe(202);
    await packetIn(source, packetId, 'scheduled');
  });

  it('request-space: is not answered as received either when the content came with the request', async () => {
    const title = newTitle();
    await whileNothingCommits(title, async () => {
      expect((await post('/v1/packets', source, inlineRequest(destination, { title }))).status).toBe(500);
      const { items } = await source.client.packets.page({ limit: 1 });
      expect(items[0]).toMatchObject({ title, state: 'open' });
    });
  });

  it('ready-to-receive: gives no address without the receipt of it', async () => {
    const title = newTitle();
    const { packetId } = await sendPut(source, destination, newFile(), { title });
    const delivery = await deliveryId(source, packetId, destination);
    await whileNothingCommits(title, async () => {
      const { status, text } = await post(`/v1/deliveries/${delivery}/ready`, destination);
      expect(status).toBe(500);
      expect(text).not.toContain('downloads');
    });
    const { receipts } = await source.client.packets.receipts(packetId);
    expect(receipts.map(({ event }) => event)).toEqual(['packet.accepted']);
    expect((await post(`/v1/deliveries/${delivery}/ready`, destination)).status).toBe(200);
  });

  it('confirm-receipt: is no confirmation, has no receipt, and takes no content away', async () => {
    const { title, packetId, delivery, content, accepted } = await fetched();
    await whileNothingCommits(title, async () => {
      const { status, text } = await post(`/v1/deliveries/${delivery}/confirm`, destination, accepted);
      expect(status).toBe(500);
      expect(text).not.toContain('receipt');
      expect(await download(content)).toMatchObject({ status: 200 });
    });
    expect((await source.client.packets.get(packetId)).recipients[0].state).toBe('ready');
    const [again] = await fetchAll(destination, delivery);
    expect(again.bytes.equals(content.bytes)).toBe(true);
    expect((await post(`/v1/deliveries/${delivery}/confirm`, destination, accepted)).status).toBe(200);
    await purged(source, packetId);
  });

  it('recall-packet: takes nothing back, and the destination may still confirm', async () => {
    const { title, packetId, delivery, content, accepted } = await fetched();
    await whileNothingCommits(title, async () => {
      expect((await post(`/v1/packets/${packetId}/recall`, source, { reason: 'Gửi nhầm' })).status).toBe(500);
      expect(await download(content)).toMatchObject({ status: 200 });
    });
    expect(await stateOf(packetId)).toBe('scheduled');
    expect((await post(`/v1/deliveries/${delivery}/confirm`, destination, accepted)).status).toBe(200);
  });
});
