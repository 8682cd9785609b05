import { TcpProxy } from '../../support/tcp-proxy';
import { type Fault, nothing, oneOf, type Random } from './fault';

/** The way of one process to one of its servers. */
export interface Link {
  /** `connector-1`, or the one process of the embedded default. */
  process: string;
  /** PostgreSQL, RabbitMQ or S3. */
  server: string;
  proxy: TcpProxy;
}

const KINDS: [string, (proxy: TcpProxy) => unknown, (proxy: TcpProxy) => unknown, number?][] = [
  ['cut', (proxy) => proxy.cut(), (proxy) => proxy.open(), 8000],
  ['reset', (proxy) => proxy.reset(), nothing],
  ['stands still', (proxy) => proxy.stall(), (proxy) => proxy.resume(), 8000],
  ['is half-open and silent', (proxy) => proxy.silence(), (proxy) => proxy.resume(), 8000],
  // A line of an office far away that is in use: 100 ms for each piece, 256 KiB a second.
  ['is slow', (proxy) => proxy.slow(100, 256 * 1024), (proxy) => proxy.resume(), 8000],
];

/**
 * The network between an app and a server: which of them chance says, of one instance (which is then alone in not reaching it) or of all.
 * @param links a proxy for each process and server
 */
export function networkFaults(links: Link[], random: Random): Fault[] {
  const servers = [...new Set(links.map(({ server }) => server))];
  return servers.flatMap((server) =>
    KINDS.map(([how, strike, mend, atMostMs]) => {
      let struck: Link[] = [];
      return {
        name: `the network to ${server} ${how}`,
        atMostMs,
        strike: async () => {
          const ways = links.filter((link) => link.server === server);
          const chosen = oneOf(random, ways);
          const app = chosen.process.replace(/-\d+$/, '');
          struck = random() < 0.5 ? [chosen] : ways.filter((link) => link.process.startsWith(app));
          await Promise.all(struck.map(({ proxy }) => strike(proxy)));
        },
        mend: async () => void (await Promise.all(struck.map(({ proxy }) => mend(proxy)))),
      };
    }),
  );
}

/** A way to a server, open. */
export async function openLink(process: string, server: string, url: string): Promise<Link> {
  const { hostname, port } = new URL(url);
  const proxy = new TcpProxy({ host: hostname, port: Number(port) });
  await proxy.open();
  return { process, server, proxy };
}
