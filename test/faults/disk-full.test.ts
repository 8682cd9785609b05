import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import {
  accept,
  deliveryId,
  digest,
  inlinePart,
  inlineRequest,
  newFile,
  packetIn,
  purged,
  sendInline,
} from '../support/exchange';
import {
  onEmbedded,
  onRealStack,
  type Party,
  type Platform,
  stackControl,
  startPlatform,
  startStandalone,
} from '../support/platform';
import { cannotMount, SmallDisk } from '../support/small-disk';
import { itWhen } from '../support/when';

jest.setTimeout(240_000);
const RECOVERED = { within: 120_000, every: 250 };
const reason = cannotMount();
/** More than the rest of a block that is in use already. */
const CONTENT = 64 * 1024;

/** A disk that is full: a clear error, nothing lost that was taken, and work goes on by itself when there is space again. */
describe('A disk that is full', () => {
  let platform: Platform;
  // A platform that did not start must not be taken for the one before.
  beforeEach(() => (platform = undefined as unknown as Platform));
  let source: Party;
  let destination: Party;

  const parties = async () => {
    [source, destination] = [await platform.makeParty(), await platform.makeParty()];
  };
  const answerOf = async () => {
    const parts = [inlinePart(newFile(CONTENT))];
    const { status, json } = await platform.fetch<{ code: string; detail: string; packetId: string }>('/v1/packets', {
      method: 'POST',
      body: inlineRequest(destination, { parts }),
      key: source.key,
    });
    return { status, code: json.code, detail: json.detail, packetId: json.packetId };
  };
  const refused = (status: number) =>
    eventually(async () => {
      const answer = await answerOf().catch(() => undefined);
      return answer?.status === status && answer;
    }, RECOVERED);
  /** @returns how long that took, in milliseconds */
  const taken = async () => {
    const began = performance.now();
    await eventually(async () => (await answerOf()).status === 201, RECOVERED);
    return Math.round(performance.now() - began);
  };
  const say = (disk: string, { status, code }: { status: number; code: string }, packets: number, tookMs: number) =>
    console.info(
      `disk full ${disk}: ${status} ${code}; with space again a packet is taken after ${tookMs} ms; all ${packets} taken before were delivered`,
    );
  const delivered = async (packetIds: string[]) => {
    for (const packetId of packetIds) {
      const delivery = await eventually(() => deliveryId(source, packetId, destination), RECOVERED);
      await eventually(() => accept(destination, delivery), RECOVERED);
      await packetIn(source, packetId, 'completed', RECOVERED);
    }
    await purged(source, packetIds[0], RECOVERED);
  };
  const send = async (count: number) => {
    const packetIds: string[] = [];
    for (let n = 0; n < count; n++) packetIds.push((await sendInline(source, destination)).packetId);
    return packetIds;
  };

  itWhen(onEmbedded && reason === '', reason || 'the stack has no content folder')(
    'of the content folder: answers 507, also to an upload, still delivers, and takes content again when there is space',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'lienthong-full-'));
      const disk = SmallDisk.mount(join(folder, 'content'), 24);
      try {
        platform = await startStandalone({ DATA_DIR: folder });
        await parties();
        const packetIds = await send(3);
        const file = newFile(4 * 1024 * 1024);
        const space = await source.client.packets.send({
          to: [destination.systemId],
          title: 'V/v đĩa đầy',
          dataType: 'file',
          protocol: 'put',
          parts: [
            { name: file.name, mediaType: 'application/pdf', size: file.bytes.length, sha256: digest(file.bytes) },
          ],
        });
        disk.fill();
        const answer = await refused(507);
        expect(answer).toMatchObject({ code: 'storage_full', detail: expect.stringMatching(/\S/) });
        const [upload] = space.space?.uploads ?? [];
        const put = async () => {
          if (!('url' in upload)) throw new Error('a put upload has one address');
          const { status } = await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: file.bytes });
          return status;
        };
        // Refused before all of it was sent, the connection may break before the client has read why; it is told at the next try.
        await eventually(async () => (await put()) === 507, { within: 20_000 });
        await delivered(packetIds);
        disk.free();
        const took = await taken();
        expect(await put()).toBe(200);
        await source.client.packets.complete(space.packetId);
        await delivered([space.packetId]);
        say('of the content folder', answer, packetIds.length + 1, took);
      } finally {
        await platform?.stop();
        disk.remove();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  itWhen(onEmbedded && reason === '', reason || 'the disk of a PostgreSQL server is the business of who runs it')(
    'under PostgreSQL: answers 503 or 507, and goes on with all that it had taken when there is space',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'lienthong-full-'));
      const disk = SmallDisk.mount(folder, 400);
      try {
        platform = await startStandalone({ DATA_DIR: folder });
        await parties();
        const packetIds = await send(5);
        disk.fill();
        // What is left in the write-ahead log is used up first.
        const answer = await eventually(async () => {
          const seen = await answerOf().catch(() => undefined);
          if (seen?.status === 201) packetIds.push(seen.packetId);
          return seen && seen.status >= 500 && seen;
        }, RECOVERED);
        expect([503, 507]).toContain(answer.status);
        expect(['storage_full', 'unavailable']).toContain(answer.code);
        disk.free();
        const took = await taken();
        await delivered(packetIds);
        say('under PostgreSQL', answer, packetIds.length, took);
      } finally {
        await platform?.stop();
        disk.remove();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  itWhen(onRealStack && reason === '', reason || 'S3 runs on the real stack only')(
    'of the S3 server: answers 503 or 507, and takes content again when there is space',
    async () => {
      platform = await startPlatform();
      await parties();
      const { s3Folder } = await stackControl<{ s3Folder: string }>('describe');
      await stackControl('stop-server', 's3');
      const disk = SmallDisk.mount(s3Folder, 96);
      try {
        await stackControl('start-server', 's3');
        await taken();
        const packetIds = await send(3);
        disk.fill();
        const answer = await eventually(async () => {
          const seen = await answerOf().catch(() => undefined);
          return seen && seen.status >= 500 && seen;
        }, RECOVERED);
        expect([503, 507]).toContain(answer.status);
        expect(['storage_full', 'unavailable']).toContain(answer.code);
        disk.free();
        const took = await taken();
        await delivered(packetIds);
        say('of the S3 server', answer, packetIds.length, took);
      } finally {
        await stackControl('stop-server', 's3');
        disk.remove();
        await stackControl('start-server', 's3');
      }
      await platform.stop();
    },
  );

  const fillsBroker = process.env.BROKER_DISK_FULL === '1';
  itWhen(
    onRealStack && reason === '' && fillsBroker,
    reason || 'a minute of its own: BROKER_DISK_FULL=1, on the stack',
  )(
    'of RabbitMQ, without an alarm before: packets are taken and wait in PostgreSQL, and are delivered when there is space',
    async () => {
      platform = await startPlatform();
      await parties();
      const { brokerFolder } = await stackControl<{ brokerFolder: string }>('describe');
      await stackControl('stop-server', 'rabbitmq');
      const disk = SmallDisk.mount(brokerFolder, 64);
      try {
        await stackControl('start-server', 'rabbitmq');
        await stackControl('unwatch-broker-disk');
        await delivered(await send(1));
        disk.fill();
        const packetIds: string[] = [];
        const readiness = () => stackControl<number[]>('readiness', 'scheduler');
        const began = performance.now();
        await eventually(async () => {
          packetIds.push(...(await send(5)));
          return (await readiness()).every((status) => status === 503);
        }, RECOVERED);
        const noticedMs = Math.round(performance.now() - began);
        expect(await stackControl('readiness', 'connector')).toEqual([200, 200]);
        disk.free();
        // What a broker makes of a write that failed is its own affair; whoever runs it starts it again.
        await stackControl('kill-server', 'rabbitmq');
        await stackControl('start-server', 'rabbitmq');
        await delivered(packetIds);
        console.info(
          `RabbitMQ's disk really full: the schedulers not ready after ${noticedMs} ms, ${packetIds.length} packets taken meanwhile, all delivered`,
        );
      } finally {
        await stackControl('stop-server', 'rabbitmq');
        disk.remove();
        await stackControl('start-server', 'rabbitmq');
      }
      await platform.stop();
    },
  );
});
