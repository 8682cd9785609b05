import { ExpressAdapter } from '@nestjs/platform-express';
import express from 'express';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { BootError } from '../process';

/**
 * A server that slow clients cannot hold (slowloris). Bodies have their own time limit in `jsonBody`, because an upload to the filesystem storage may
 * rightly take hours: hence no `requestTimeout`. Idle connections outlive those of common proxies (60 s), which otherwise meet a closed one.
 */
export const openServer = (listener: RequestListener): Server =>
  createServer(
    { headersTimeout: 10_000, requestTimeout: 0, keepAliveTimeout: 65_000, connectionsCheckingInterval: 2_000 },
    listener,
  );

/**
 * @param name the setting that holds the port
 * @throws BootError in one sentence when the port cannot be had
 */
export async function listen(server: Server, name: string, port: number, host: string): Promise<Server> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new BootError(sentence((error as NodeJS.ErrnoException).code, name, port, host));
  }
  return server;
}

function sentence(code: string | undefined, name: string, port: number, host: string): string {
  if (code === 'EADDRINUSE')
    return `${name}: port ${port} is in use by another program; stop that program or set ${name} to another port.`;
  if (code === 'EACCES')
    return `${name}: this user may not listen on port ${port}; set ${name} to a port above 1023, or give the right.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `HOST: ${host} is not an address of this machine; set HOST to one of them, or to 0.0.0.0.`;
  return `${name}: cannot listen on ${host}:${port} (${code}).`;
}

/** Nest's adapter creates its server without options, and Node reads some of them only then. */
export class HttpAdapter extends ExpressAdapter {
  readonly #sockets = new Set<Socket>();

  constructor() {
    // One spelling of a path (see plainTarget); the router reads these when it is made, which is soon.
    super(express().enable('case sensitive routing').enable('strict routing'));
  }

  override initHttpServer(): void {
    const server = openServer(this.getInstance());
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.httpServer = server;
  }

  /** Called when draining is over: what is still open (a stream that was not closed) would keep the process alive. */
  override async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await super.close();
  }
}
