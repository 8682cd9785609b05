// Packets all the time, as a source and a destination see them: the history that the checks read.
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LienThongClient } from '@lienthong/client';

const PER_SECOND = 10;
const BYTES = 2048;
/** What a client does by itself: a request that failed is made once more, and not later than this. */
const ONCE_MORE = { attempts: 2, totalMs: 15_000, baseMs: 500, maxMs: 2000 };

export class Traffic {
  /** By packet id: when it was acknowledged, noticed and completed, ms. */
  packets = new Map();
  /** Requests of both sides that failed after their second try. */
  errors = [];
  offered = 0;
  /** Notices that came again, which they may. */
  noticedAgain = 0;
  /** By the digest of a content, no two of which are equal: the packets that brought it. */
  #brought = new Map();
  #stop = new AbortController();
  #from;
  #once;
  #to;
  #toOnce;
  #listening;
  #sending;

  constructor(baseUrl, { source, destinations: [destination] }) {
    this.#from = new LienThongClient({ baseUrl, ...source });
    this.#once = new LienThongClient({ baseUrl, ...source, retry: ONCE_MORE, connections: 32 });
    this.#to = new LienThongClient({ baseUrl, ...destination });
    this.#toOnce = new LienThongClient({ baseUrl, ...destination, retry: ONCE_MORE, connections: 32 });
    this.destination = destination.systemId;
    const { signal } = this.#stop;
    this.#listening = [
      this.#from.stream({ signal }).each(({ type, subject }) => {
        if (type === 'packet.completed') this.#of(subject).completed ??= Date.now();
      }),
      this.#to.stream({ signal }).each(({ type, subject, data }) => {
        if (type !== 'packet.available') return;
        const packet = this.#of(subject);
        if (packet.noticed) this.noticedAgain += 1;
        else void this.#confirm(subject, data.deliveryId);
        packet.noticed ??= Date.now();
      }),
    ];
  }

  start() {
    this.#sending = this.#send();
  }

  /** What happened since `began`: of the packets that were acknowledged, and of the requests that failed after their second try. */
  since(began) {
    const acked = [...this.packets].filter(([, { acked }]) => acked >= began);
    const waits = acked.flatMap(([, { acked, noticed }]) => (noticed ? [Math.max(0, noticed - acked)] : []));
    return {
      acked: acked.length,
      completed: acked.filter(([, { completed }]) => completed).length,
      slowestNoticeMs: Math.max(0, ...waits),
      errors: this.errors.filter(({ at }) => at >= began),
    };
  }

  /** Contents that came in more than one packet. */
  get duplicates() {
    return [...this.#brought.values()].filter(({ size }) => size > 1).length;
  }

  get contents() {
    return this.#brought.size;
  }

  get acknowledged() {
    return [...this.packets].filter(([, { acked }]) => acked).map(([id]) => id);
  }

  get open() {
    return [...this.packets].filter(([, { acked, completed }]) => acked && !completed).map(([id]) => id);
  }

  /** @returns seconds until every packet acknowledged so far was completed, null when the limit passed before */
  async settled(limitMs) {
    const began = Date.now();
    const ids = this.open;
    while (ids.some((id) => !this.packets.get(id).completed)) {
      if (Date.now() - began > limitMs) return null;
      await sleep(100);
    }
    return (Date.now() - began) / 1000;
  }

  async stopSending() {
    this.sendingStopped = true;
    await this.#sending;
  }

  async close() {
    this.#stop.abort();
    await Promise.allSettled(this.#listening);
    await Promise.allSettled([this.#from, this.#once, this.#to, this.#toOnce].map((client) => client.close()));
  }

  async #send() {
    const under = new Set();
    while (!this.sendingStopped) {
      const one = this.#one();
      under.add(one);
      void one.finally(() => under.delete(one));
      await sleep(1000 / PER_SECOND);
    }
    await Promise.all(under);
  }

  async #one() {
    const content = randomBytes(BYTES);
    const sha256 = createHash('sha256').update(content).digest('base64');
    const part = {
      name: 'a.bin',
      mediaType: 'application/octet-stream',
      size: BYTES,
      sha256,
      content: content.toString('base64'),
    };
    this.offered += 1;
    const asked = Date.now();
    try {
      const { packetId } = await this.#once.packets.send({
        to: [this.destination],
        title: 'Thử cụm máy',
        dataType: 'file',
        protocol: 'inline',
        parts: [part],
      });
      this.#of(packetId).acked = Date.now();
    } catch (error) {
      this.#failed('send', asked, error);
    }
  }

  /** An error of its own each time that it fails; it goes on all the same, so that it is no other error that a packet stays open. */
  async #confirm(packetId, deliveryId) {
    for (let tries = 0; tries < 5; tries += 1) {
      const asked = Date.now();
      try {
        const { space } = await this.#toOnce.deliveries.ready(deliveryId);
        const parts = space.downloads.map(({ part, sha256 }) => ({ name: part, sha256 }));
        for (const { sha256 } of parts)
          this.#brought.set(sha256, (this.#brought.get(sha256) ?? new Set()).add(packetId));
        await this.#toOnce.deliveries.confirm(deliveryId, { outcome: 'accepted', parts });
        return;
      } catch (error) {
        // Its answer was lost, and the next try finds it done.
        if (error.code === 'wrong_state' && error.problem?.state === 'accepted' && tries > 0) return;
        this.#failed('receive', asked, error);
        await sleep(1000);
      }
    }
  }

  #failed(what, at, error) {
    this.errors.push({ at, text: `${what}: ${error.code ?? ''} ${error.message}`.slice(0, 120) });
  }

  #of(id) {
    let packet = this.packets.get(id);
    if (!packet) this.packets.set(id, (packet = {}));
    return packet;
  }
}
