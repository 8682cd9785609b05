// Those beside whom a victim is measured: a process of its own, so that its work is not taken for a delay of the victim's. Commands: open, prepare, start, stop, leave, close.
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { LienThongClient } from '@lienthong/client';
import { plainSender } from '../load/plain-sender.mjs';

/** Packets that wait for the dead destination. */
const WAITING = 2000;
const MORE_PER_SECOND = 5;
const PREPARE_IN_FLIGHT = 16;
/** As far away as a commune's office from the data centre. Without that a lane that is refused spins, and takes from all what would be its own machine's processor. */
const FLOOD = { inFlight: 32, roundTripMs: 20 };
const POLLERS = 50;
const POLLED_WAITING = 100;
const SLOW = { perSecond: 5, bytes: 128 * 1024, bytesPerSecond: 16 * 1024, readEveryMs: 300 };
const REJECTED_PER_SECOND = 10;

/** What is going on: everything ends when `stop` is aborted. */
class Going {
  counts = {};
  stop = new AbortController();
  #works = [];

  constructor() {
    setMaxListeners(0, this.stop.signal);
  }

  get on() {
    return !this.stop.signal.aborted;
  }

  count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** A failure while it goes on is counted; what the end cuts off is none. */
  run(work) {
    this.#works.push(work.catch((error) => this.on && this.count(`failed: ${String(error?.message ?? error)}`)));
  }

  /** The same again and again, several at a time, each the next when it is answered. */
  lanes(number, work) {
    const lane = async () => {
      while (this.on) await work();
    };
    for (let n = 0; n < number; n += 1) this.run(lane());
  }

  async end() {
    this.stop.abort();
    await Promise.all(this.#works);
    return this.counts;
  }
}

/** @param sent gets the ids of the packets */
async function fill({ sender, to, sent }, packets) {
  let left = packets;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      const { status, retryAfter, document } = await sender.send(to);
      if (status === 201) sent.push(document.packetId);
      else {
        left += 1;
        await sleep(1000 * (retryAfter || 1));
      }
    }
  };
  await Promise.all(Array.from({ length: PREPARE_IN_FLIGHT }, lane));
}

/** Ends what waits at a destination: the pair is measured without it again. */
async function recallAll({ source, sent }) {
  const lane = async () => {
    for (let packetId = sent.pop(); packetId; packetId = sent.pop())
      await source.packets.recall(packetId, 'Đã đo xong');
  };
  await Promise.all(Array.from({ length: PREPARE_IN_FLIGHT }, lane));
}

/** Each: a preparation that is not measured, what goes on while the victim is, and what is left to do before the victim is alone again. */
const NEIGHBOURS = {
  /** A destination that never connects; more comes for it all the time. */
  dead: {
    prepare: (parts) => fill(parts, WAITING),
    start: (going, { sender, to, sent }) =>
      going.run(
        steadily(going, MORE_PER_SECOND, async () => {
          const { status, document } = await sender.send(to);
          going.count(status);
          if (status === 201) sent.push(document.packetId);
        }),
      ),
    leave: recallAll,
  },
  /** A source that sends as fast as it is answered, 32 at a time, and what is refused again at once: it does not listen to Retry-After. */
  flood: {
    start: (going, { sender, to, sent }) =>
      going.lanes(FLOOD.inFlight, async () => {
        const again = sender.packet(to);
        let answer;
        do {
          answer = await again();
          going.count(answer.status);
          if (answer.status === 201) sent.push(answer.document.packetId);
          await sleep(FLOOD.roundTripMs);
        } while (answer.status === 503 && going.on);
      }),
    leave: recallAll,
  },
  /** A destination that reads its stream and its content slowly. */
  slow: {
    start(going, { source, destination }) {
      going.run(
        steadily(going, SLOW.perSecond, async () => {
          const files = [{ name: 'a.bin', mediaType: 'application/octet-stream', buffer: randomBytes(SLOW.bytes) }];
          await source.sendFiles({ to: [destination.systemId], title: 'Chậm', files, protocol: 'put' });
          going.count('sent');
        }),
      );
      going.run(
        reading(going, destination.client, async ({ deliveryId }) => {
          await sleep(SLOW.readEveryMs);
          const taking = destination.client.deliveries.ready(deliveryId).then(async ({ space }) => {
            going.count('fetching');
            for (const download of space.downloads) await fetchedSlowly(download, going.stop.signal);
            going.count('fetched');
          });
          going.run(taking);
        }),
      );
    },
  },
  /** A destination that never takes anything, for a reason that may pass. */
  rejecting: {
    start(going, { sender, to, destination }) {
      going.run(steadily(going, REJECTED_PER_SECOND, async () => going.count((await sender.send(to)).status)));
      going.run(
        reading(going, destination.client, async ({ deliveryId }) => {
          const { deliveries } = destination.client;
          const rejection = { outcome: 'rejected', parts: [], reasonCode: 'busy', reason: 'Đang bận', retryable: true };
          const rejecting = deliveries
            .ready(deliveryId)
            .then(() => deliveries.confirm(deliveryId, rejection))
            .then(() => going.count('rejected'));
          going.run(rejecting);
        }),
      );
    },
  },
  /** 50 programs of one destination that ask for the list of what waits, without a pause. */
  pollers: {
    prepare: (parts) => fill(parts, POLLED_WAITING),
    leave: recallAll,
    start: (going, { destinationSender }) =>
      going.lanes(POLLERS, async () =>
        going.count((await destinationSender.get(`/v1/deliveries?limit=${POLLED_WAITING}`)).status),
      ),
  },
};

async function steadily(going, perSecond, work) {
  const began = performance.now();
  for (let n = 0; going.on; n += 1) {
    const wait = began + (n * 1000) / perSecond - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal: going.stop.signal }).catch(() => undefined);
    if (going.on) going.run(work());
  }
}

async function reading(going, client, handle) {
  for await (const { type, data } of client.stream({ signal: going.stop.signal }))
    if (type === 'packet.available') await handle(data);
}

/** A reader that takes a little and pauses: the rest waits in the sockets, and at whoever serves it. */
function fetchedSlowly({ url, headers }, signal) {
  const chunk = 4096;
  return new Promise((resolve, reject) => {
    get(url, { headers, signal, highWaterMark: chunk }, async (response) => {
      try {
        for await (const piece of response)
          await sleep((1000 * piece.length) / SLOW.bytesPerSecond, undefined, { signal });
        resolve();
      } catch (error) {
        reject(error);
      }
    }).on('error', reject);
  });
}

/**
 * A neighbour has a machine of its own; here it shares one with what it does something to. So it has what processor the others leave: among the processes of
 * its session by its priority, among sessions by that of its group (sched(7), autogroup; not everywhere).
 */
function standBehind() {
  setPriority(constants.priority.PRIORITY_LOW);
  try {
    writeFileSync('/proc/self/autogroup', String(constants.priority.PRIORITY_LOW));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}
standBehind();

let parts;
let going;

const commands = {
  open({ baseUrl, parties }) {
    const { source, destinations } = parties;
    const [destination] = destinations;
    parts = {
      sender: plainSender(baseUrl, source),
      destinationSender: plainSender(baseUrl, destination),
      source: new LienThongClient({ baseUrl, ...source, connections: 16 }),
      destination: {
        systemId: destination.systemId,
        client: new LienThongClient({ baseUrl, ...destination, connections: 64 }),
      },
      to: destination.systemId,
      sent: [],
    };
  },
  prepare: ({ name }) => NEIGHBOURS[name].prepare?.(parts),
  start({ name }) {
    going = new Going();
    NEIGHBOURS[name].start(going, parts);
  },
  stop: () => going.end(),
  leave: ({ name }) => NEIGHBOURS[name].leave?.(parts),
  async close() {
    await Promise.all([parts.source.close(), parts.destination.client.close()]);
    await Promise.all([parts.sender.close(), parts.destinationSender.close()]);
  },
};

process.on('message', async ({ command, ...given }) => {
  try {
    process.send({ result: (await commands[command](given)) ?? null });
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
  if (command === 'close') process.disconnect();
});
// Without the steering process there is nobody to be a neighbour of.
process.on('disconnect', () => process.exit());
