// A crowd of connected systems: a process of its own, steered by messages { command, … }, each answered once. Every stream is a WebSocket straight to one
// notifier, its upgrade signed like any other; connections come from several loopback addresses, so that no range of ports is used up.
import { signRequest } from '@lienthong/signing';
import { WebSocket } from 'ws';

const SOURCES = 50;
/** Those of the published client. */
const RECONNECT = { baseMs: 500, maxMs: 15_000 };
const TARGET = '/v1/stream';

const members = new Map();
let arrivals = [];
let closes = {};
let url = '';
let privateKeyPem = '';

const now = () => performance.timeOrigin + performance.now();
const headersOf = (accessKey) =>
  signRequest({ method: 'GET', target: TARGET }, { keyId: accessKey, alg: 'rsa-pss-sha512', privateKeyPem });

class Member {
  state = 'closed';
  failures = 0;
  signed;

  /** @param how `dead` reads nothing more, not even a ping; `slow` reads, and never acknowledges. Neither comes back once it was dropped. */
  constructor(accessKey, number, how) {
    this.accessKey = accessKey;
    this.how = how;
    this.stays = how === undefined;
    this.localAddress = `127.0.0.${2 + (number % SOURCES)}`;
  }

  connect() {
    return new Promise((resolve) => {
      const headers = this.signed ?? headersOf(this.accessKey);
      this.signed = undefined;
      const socket = new WebSocket(url, { headers, perMessageDeflate: false, localAddress: this.localAddress });
      this.socket = socket;
      this.state = 'connecting';
      socket.on('message', (data) => this.receive(JSON.parse(data.toString()), resolve));
      socket.on('error', () => undefined);
      socket.on('close', (code) => {
        if (this.state === 'open') closes[code] = [...(closes[code] ?? []), now()];
        this.state = 'closed';
        resolve();
        if (this.stays) this.again();
      });
    });
  }

  receive(frame, opened) {
    if (frame.type === 'hello') {
      this.state = 'open';
      this.failures = 0;
      this.openedAt = now();
      if (this.how === 'dead') this.socket.pause();
      opened();
    }
    if (frame.type !== 'event') return;
    arrivals.push([frame.event.subject ?? frame.event.id, now()]);
    if (this.how) return;
    // As the published client: a burst that is still arriving makes one acknowledgement.
    this.last = frame.event.offset;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (this.state === 'open') this.socket.send(JSON.stringify({ type: 'ack', offset: this.last }));
    }, 10);
  }

  again() {
    const most = Math.min(RECONNECT.maxMs, RECONNECT.baseMs * 2 ** this.failures);
    this.failures += 1;
    setTimeout(() => void (this.stays && this.connect()), most * (0.5 + Math.random() / 2));
  }

  leave() {
    this.stays = false;
    this.socket.terminate();
  }
}

const commands = {
  setUp(given) {
    ({ url, privateKeyPem } = given);
  },
  /** @param atOnce upgrades under way at a time */
  async open({ accessKeys, how, atOnce = 40 }) {
    const queue = accessKeys.map((key, n) => new Member(key, n, how));
    for (const member of queue) members.set(member.accessKey, member);
    const began = now();
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (let member = queue.shift(); member; member = queue.shift()) await member.connect();
      }),
    );
    return { ms: now() - began };
  },
  count: () => [...members.values()].filter(({ state }) => state === 'open').length,
  take() {
    const taken = { arrivals, closes };
    arrivals = [];
    closes = {};
    return taken;
  },
  leave({ accessKeys }) {
    for (const key of accessKeys) {
      members.get(key)?.leave();
      members.delete(key);
    }
  },
  /** The first upgrade after the next loss of connection is signed now: what a client computes on its own machine must not be measured here. */
  arm() {
    for (const member of members.values()) member.signed = headersOf(member.accessKey);
  },
  /** When the last one that is open came back. */
  lastOpened: () => Math.max(0, ...[...members.values()].map(({ openedAt = 0 }) => openedAt)),
};

process.on('message', async ({ command, ...given }) => {
  try {
    process.send({ result: (await commands[command](given)) ?? null });
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());
