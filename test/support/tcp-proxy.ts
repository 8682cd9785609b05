import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and its server on loopback, and takes the network away. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private port = 0;
  private stalled = false;
  private silent = false;
  /** Of connections whose other end is gone: nothing of them passes any more. */
  private readonly dead = new WeakSet<Socket>();
  private slowness?: { delayMs: number; bytesPerSecond: number };

  constructor(private readonly target: { host: string; port: number }) {}

  async open(): Promise<void> {
    const server = createServer((client) => (this.silent ? this.swallow(client) : this.join(client)));
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** The server dies: connections break, new ones are refused, until `open`. */
  async cut(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    const closed = new Promise((resolve) => server?.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    if (server) await closed;
  }

  /** The server hangs: connections stay, nothing passes, until `resume`. */
  stall(): void {
    this.stalled = true;
    for (const socket of this.sockets) socket.pause();
  }

  /** Every connection ends with RST, in both directions; new ones are taken. */
  reset(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Half-open: what either end sends is lost without a word, and new connections are taken and never answered, until `resume`. */
  silence(): void {
    this.silent = true;
    for (const socket of this.sockets) this.dead.add(socket);
  }

  /** Each piece comes later by `delayMs` and by its length, one after the other, until `resume`. */
  slow(delayMs: number, bytesPerSecond: number): void {
    this.slowness = { delayMs, bytesPerSecond };
  }

  /**
   * All is well again, for new connections too.
   * @param halfOpen what becomes of those that were silenced: `reset`, as when a keep-alive probe reaches a peer without memory, or `dead` for ever
   */
  resume(halfOpen: 'reset' | 'dead' = 'reset'): void {
    if (halfOpen === 'reset') for (const socket of this.sockets) if (this.dead.has(socket)) socket.resetAndDestroy();
    this.silent = false;
    this.slowness = undefined;
    this.stalled = false;
    for (const socket of this.sockets) socket.resume();
  }

  /** @returns the address with this proxy in the place of the server. */
  address(url: string): string {
    const through = new URL(url);
    through.host = `127.0.0.1:${this.port}`;
    return through.href;
  }

  private swallow(client: Socket): void {
    this.sockets.add(client);
    this.dead.add(client);
    client.on('error', () => client.destroy());
    client.on('close', () => this.sockets.delete(client));
    client.resume();
  }

  private join(client: Socket): void {
    const server = connect(this.target);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      this.sockets.add(from);
      from.on('data', (bytes) => this.pass(bytes, from, to));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      if (this.stalled) from.pause();
    }
  }

  private pass(bytes: Buffer, from: Socket, to: Socket): void {
    if (this.dead.has(from)) return;
    if (!this.slowness) return void to.write(bytes);
    const { delayMs, bytesPerSecond } = this.slowness;
    from.pause();
    setTimeout(
      () => {
        // Nothing of a connection may come after a piece of it was lost.
        if (!this.dead.has(from)) to.write(bytes);
        if (!this.stalled) from.resume();
      },
      delayMs + (bytes.length / bytesPerSecond) * 1000,
    );
  }
}
