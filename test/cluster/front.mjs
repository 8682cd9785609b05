// The address that stays when servers come and go: what a virtual IP, HAProxy or PgBouncer is in production.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const CONNECT_MS = 1000;

/** Passes each connection to the first of its targets that takes it; a new connection begins with the next in turn. */
export class Front {
  #targets;
  #turn = 0;
  #sockets = new Set();
  #server = createServer({ noDelay: true }, (client) => void this.#join(client));

  /** @param targets ports on 127.0.0.1 */
  constructor(targets) {
    this.#targets = targets;
  }

  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  /** The same address with this front in the place of the server. */
  address(url) {
    const through = new URL(url);
    through.host = `127.0.0.1:${this.#server.address().port}`;
    return through.href;
  }

  /** Moves the address; what is connected to the former server is cut off. */
  moveTo(...targets) {
    this.#targets = targets;
    for (const socket of this.#sockets) socket.destroy();
  }

  close() {
    this.#server.close();
    this.moveTo();
  }

  async #join(client) {
    client.on('error', () => client.destroy());
    const turn = this.#turn++;
    const order = this.#targets.map((_, n) => this.#targets[(turn + n) % this.#targets.length]);
    for (const port of order) {
      const server = await reached(port);
      if (!server) continue;
      if (client.destroyed) return void server.destroy();
      for (const [from, to] of [
        [client, server],
        [server, client],
      ]) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
      return;
    }
    client.destroy();
  }
}

function reached(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const timer = setTimeout(() => socket.destroy(), CONNECT_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}
