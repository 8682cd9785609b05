// The platform as its users see it: the published client sends; the destinations hear of it on their WebSocket, fetch, compare the digest, confirm.
import { Agent, get } from 'node:http';
import { LienThongClient } from '@lienthong/client';
import { checkDigest } from './content.mjs';
import { Flights } from './flights.mjs';

/** @param parties `{ source, destinations: [{ systemId, accessKey, secretKey }] }` @param workload one of WORKLOADS */
export async function openPlatformSide({ baseUrl, parties }, workload) {
  const flights = new Flights(workload.recipients);
  const stop = new AbortController();
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const clientOf = ({ accessKey, secretKey }) =>
    new LienThongClient({ baseUrl, accessKey, secretKey, connections: 32 });
  const source = clientOf(parties.source);
  const destinations = parties.destinations
    .slice(0, workload.recipients)
    .map(({ systemId, ...keys }) => ({ systemId, client: clientOf(keys) }));

  const handle = async ({ systemId, client }, { packetId, deliveryId }) => {
    try {
      const { space } = await client.deliveries.ready(deliveryId);
      for (const { url, headers, sha256 } of space.downloads)
        await checkDigest(await fetched(agent, url, headers), sha256);
      const parts = space.downloads.map(({ part, sha256 }) => ({ name: part, sha256 }));
      await client.deliveries.confirm(deliveryId, { outcome: 'accepted', parts });
      flights.confirmed(packetId, systemId);
    } catch (error) {
      flights.failed(packetId, error);
    }
  };
  const listening = [
    listen(source, stop.signal, ({ type, subject }) => {
      if (type === 'packet.purged') flights.purged(subject);
      if (type === 'packet.refused') flights.failed(subject, new Error('packet.refused'));
    }),
    ...destinations.map((destination) =>
      listen(destination.client, stop.signal, ({ type, data }) => {
        if (type !== 'packet.available') return;
        flights.noticed(data.packetId, destination.systemId);
        void handle(destination, data);
      }),
    ),
  ];
  await Promise.all(listening.map(({ connected }) => connected));

  const to = destinations.map(({ systemId }) => systemId);
  const { protocol } = workload;
  return {
    flights,
    /** @param answered called when the platform has answered that it has the packet whole */
    async send(buffer, answered) {
      const files = [{ name: 'noi-dung.bin', mediaType: 'application/octet-stream', buffer }];
      const { packetId } = await source.sendFiles({ to, title: 'Gói tin đo hiệu năng', files, protocol });
      flights.completed(packetId);
      answered?.();
      await flights.arrival(packetId);
    },
    async close() {
      stop.abort();
      await Promise.all(listening.map(({ ended }) => ended));
      await Promise.all([source, ...destinations.map(({ client }) => client)].map((client) => client.close()));
      agent.destroy();
    },
  };
}

/** The handler returns at once: what follows from an event runs beside the stream, as in a program that hands it to a queue of its own. */
function listen(client, signal, handler) {
  let said;
  const connected = new Promise((resolve, reject) => (said = { resolve, reject }));
  const onNotice = (notice) => (notice.type === 'connected' ? said.resolve() : undefined);
  const ended = client
    .stream({ signal, onNotice })
    .each(handler)
    .catch((error) => said.reject(error));
  return { connected, ended };
}

function fetched(agent, url, headers) {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers }, (response) => {
      if (response.statusCode === 200) return resolve(response);
      response.resume();
      reject(new Error(`the download was answered with ${response.statusCode}`));
    }).on('error', reject);
  });
}
