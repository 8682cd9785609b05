import { type ClientRequest, type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Settings } from '@lienthong/storage';

/**
 * An S3 server as some are (Ceph RGW 16): it verifies the signature of an address, but not the digest that was signed, and keeps none. It stands in front of the
 * real server, to which it hands everything as it came (host and all, so that signatures hold); content refused there for its digest alone it stores itself.
 */
export async function lenientStore(settings: S3Settings): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const { endpoint, region, bucket, accessKey, secretKey } = settings;
  const { hostname, port } = new URL(endpoint);
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const forward = ({ method, url, headers }: IncomingMessage): ClientRequest =>
    request({ hostname, port, method, path: url, headers });

  const takeAnything = async (incoming: IncomingMessage, response: ServerResponse) => {
    const body = await all(incoming);
    const answer = await new Promise<IncomingMessage>((resolve, reject) =>
      forward(incoming).on('response', resolve).on('error', reject).end(body),
    );
    const text = await all(answer);
    const wrongDigest = answer.statusCode === 400 && text.includes('Checksum');
    if (answer.statusCode !== 200 && !wrongDigest) return void response.writeHead(answer.statusCode!).end(text);
    const Key = new URL(incoming.url!, endpoint).pathname.slice(`/${bucket}/`.length);
    const ContentType = incoming.headers['content-type'];
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: body, ContentType }));
    response.end();
  };

  const server = createServer((incoming, response) => {
    const gone = () => response.destroy();
    if (incoming.method === 'PUT' && incoming.url!.includes('x-amz-checksum-sha256'))
      return void takeAnything(incoming, response).catch(gone);
    const outgoing = forward(incoming).on('error', gone);
    outgoing.on('response', (answer) => {
      delete answer.headers['x-amz-checksum-sha256'];
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    client.destroy();
  };
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

async function all(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
