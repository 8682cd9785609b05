import { connect } from 'node:net';

export interface RawResponse {
  status: number;
  headers: string;
  body: string;
}

/** How long the platform may take over whatever it is sent: a body that does not come is waited for half a minute. */
const PATIENCE_MS = 45_000;
const KEPT_MS = 2000;

/**
 * Bytes as they are, on a connection of their own: what every HTTP client would refuse to send, or tidy up.
 * @param localAddress from where: who has another address is somebody else to limits of addresses
 * @returns every answer that came, until the platform closed, or said nothing more for two seconds; none when it closed without one
 */
export function sendRaw(baseUrl: string, bytes: string | Buffer, localAddress?: string): Promise<RawResponse[]> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const done = () => resolve(responsesIn(Buffer.concat(chunks).toString('latin1')));
    const socket = connect({ port: Number(port), host: hostname, localAddress }, () =>
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    );
    socket.setTimeout(PATIENCE_MS, () => {
      socket.destroy();
      if (chunks.length === 0) reject(new Error(`No answer and no end after ${PATIENCE_MS / 1000} s.`));
    });
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      // A connection that is kept open for another request.
      socket.setTimeout(KEPT_MS);
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? done() : reject(error),
    );
    socket.on('close', done);
  });
}

/** A request of these lines, which asks to close the connection after its answer. */
export const rawRequest = (line: string, headers: readonly string[] = [], body = ''): string =>
  [`${line} HTTP/1.1`, 'Host: lienthong.test', ...headers, 'Connection: close', '', body].join('\r\n');

function responsesIn(text: string): RawResponse[] {
  const responses: RawResponse[] = [];
  for (let rest = text; /^HTTP\/1\.[01] \d{3}/.test(rest);) {
    const end = rest.indexOf('\r\n\r\n');
    const headers = end < 0 ? rest : rest.slice(0, end);
    const after = end < 0 ? '' : rest.slice(end + 4);
    const length = /\r\ncontent-length: *(\d+)/i.exec(headers)?.[1];
    const body = length === undefined ? after : after.slice(0, Number(length));
    responses.push({ status: Number(headers.slice(9, 12)), headers, body: Buffer.from(body, 'latin1').toString() });
    rest = length === undefined ? '' : after.slice(Number(length));
  }
  return responses;
}
