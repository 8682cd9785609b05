import { createServer, request, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { AppName } from '@lienthong/contracts';
import { freePort } from './standalone-process';

/** What the gateway sends to auth and to the notifier; the rest is the connector's (deploy/gateway/default.conf.template). */
const ROUTES: [RegExp, AppName][] = [
  [
    /^\/(v1\/(sessions|keys|calendar|access-checks|signature-checks|directory|admin)|oauth2|\.well-known)(\/|\?|$)/,
    'auth',
  ],
  [/^\/v1\/(stream(-tickets)?|webhook)(\/|\?|$)/, 'notifier'],
];

/** One address in front of chosen instances of the apps, so that it is known which of them answers. */
export class AppGateway {
  private constructor(
    private readonly server: Server,
    readonly baseUrl: string,
  ) {}

  /** @param portOf public port of the instance that answers for an app */
  static async open(portOf: (app: AppName) => number): Promise<AppGateway> {
    // A test that stands still while it reads a process's memory finds its connections as they were.
    const server = createServer({ keepAliveTimeout: 65_000 }, (from, to) => {
      const { url: path = '/', method, headers } = from;
      const app = ROUTES.find(([pattern]) => pattern.test(path))?.[1] ?? 'connector';
      const onwards = request(
        { host: '127.0.0.1', port: portOf(app), path, method, headers, agent: false },
        (answer) => {
          to.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(to);
        },
      );
      onwards.on('error', () => to.destroy());
      from.pipe(onwards);
    });
    server.on('upgrade', (from, socket: Socket) => {
      const { url = '/', method = 'GET', rawHeaders } = from;
      const onwards = connect(portOf('notifier'), '127.0.0.1', () => {
        const lines = rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
        onwards.write(`${method} ${url} HTTP/1.1\r\n${lines}\r\n`);
        onwards.pipe(socket).pipe(onwards);
      });
      for (const end of [onwards, socket]) end.on('error', () => (onwards.destroy(), socket.destroy()));
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return new AppGateway(server, `http://127.0.0.1:${port}`);
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
