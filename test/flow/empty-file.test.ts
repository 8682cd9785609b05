import { accept, deliveryId, newFile, packetIn, sendInline, sendPut } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(60_000);

describe('A file without content', () => {
  let platform: Platform;
  let source: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  it.each([
    [
      'inline',
      () => sendInline(source, destination, { parts: [{ name: 'rong.txt', mediaType: 'text/plain', content: '' }] }),
    ],
    ['put', () => sendPut(source, destination, newFile(0, 'rong.txt'))],
  ])('goes through all steps with %s', async (_protocol, send) => {
    const { packetId } = await send();
    const delivery = await deliveryId(source, packetId, destination);
    const { space } = await destination.client.deliveries.ready(delivery);
    const response = await fetch(space.downloads[0].url, { headers: space.downloads[0].headers });
    expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0]);
    await accept(destination, delivery);
    await packetIn(source, packetId, 'completed');
  });
});
