import { Agent, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { UploadAddress } from '@lienthong/storage';

const agent = new Agent({ keepAlive: false });

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

export interface Asking {
  method?: string;
  headers?: Record<string, string>;
  body?: Buffer | Readable;
}

/** One real HTTP request with exactly these headers and no retry: what a client in any language would send. */
export function ask(url: string, { method = 'GET', headers = {}, body }: Asking = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('error', reject)
        .on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers as Record<string, string>,
            body: Buffer.concat(chunks),
          }),
        );
    });
    // A store may answer and close before it has read a body that it refuses: the answer then decides, if there is one.
    let failure: Error | undefined;
    outgoing.on('error', (error) => (failure = error)).on('close', () => failure && reject(failure));
    if (body instanceof Readable) pipeline(body, outgoing).catch((error: Error) => (failure ??= error));
    else outgoing.end(body);
  });
}

/** @returns the status of a PUT with the address's own headers, save those overridden; the length is that of the body. */
export async function put(address: UploadAddress, body: Buffer, headers: Record<string, string> = {}): Promise<number> {
  const length = { 'content-length': String(body.length) };
  return (await ask(address.url, { method: 'PUT', headers: { ...address.headers, ...length, ...headers }, body }))
    .status;
}

/** Sends the beginning of a body and goes away. Resolves when the connection is closed. */
export function putPartly({ url, headers }: UploadAddress, beginning: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const outgoing = request(url, { method: 'PUT', headers, agent });
    outgoing.on('error', () => resolve()).on('close', () => resolve());
    outgoing.write(beginning, () => outgoing.destroy());
  });
}
