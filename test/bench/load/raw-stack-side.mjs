// The raw pipeline on the real stack: @aws-sdk/client-s3, pg and amqplib, and nothing between them.
import { randomUUID } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import amqp from 'amqplib';
import pg from 'pg';
import { PIECE_BYTES, PIECES_AT_ONCE } from '../workloads.mjs';
import { checkDigest, sha256 } from './content.mjs';
import { Flights } from './flights.mjs';
import { INSERT, TABLES, UPDATE } from './raw-tables.mjs';

export const RAW_STACK =
  'S3 PutObject (64 MiB: CreateMultipartUpload, 4 × UploadPart of 16 MiB at once, Complete); one INSERT of packet and deliveries; ' +
  'publish persistent with confirm to a quorum queue per destination; consume with acknowledgement; GetObject and compare SHA-256; ' +
  'one UPDATE of delivery and packet; DeleteObject after the last. @aws-sdk/client-s3, pg (prepared statements, 16 connections), amqplib, in one process.';

const queueOf = (destination) => `bench.raw.${destination}`;

export async function openRawStackSide({ env, databaseUrl }, workload) {
  const flights = new Flights(workload.recipients);
  const s3 = plainS3(env);
  const Bucket = 'lienthong-bench-raw';
  await s3.send(new CreateBucketCommand({ Bucket })).catch((error) => {
    if (!/BucketAlready/.test(error.name)) throw error;
  });
  const db = new pg.Pool({ connectionString: databaseUrl, max: 16 });
  await db.query(TABLES);
  const broker = await amqp.connect(env.RABBITMQ_URL);
  const publisher = await broker.createConfirmChannel();
  const options = { durable: true, arguments: { 'x-queue-type': 'quorum' } };

  const consume = async (destination) => {
    const channel = await broker.createChannel();
    await channel.assertQueue(queueOf(destination), options);
    await channel.purgeQueue(queueOf(destination));
    await channel.prefetch(workload.inFlight);
    await channel.consume(queueOf(destination), async (message) => {
      const { id, key, digest } = JSON.parse(message.content.toString());
      flights.noticed(id, destination);
      try {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }));
        await checkDigest(Body, digest);
        const { rows } = await db.query({ ...UPDATE, values: [id, destination] });
        flights.confirmed(id, destination);
        channel.ack(message);
        if (rows[0].remaining > 0) return;
        await s3.send(new DeleteObjectCommand({ Bucket, Key: key }));
        flights.purged(id);
      } catch (error) {
        flights.failed(id, error);
      }
    });
  };
  const destinations = Array.from({ length: workload.recipients }, (_, destination) => destination);
  for (const destination of destinations) await consume(destination);

  const put = async (key, buffer, digest) => {
    const target = { Bucket, Key: key };
    if (workload.protocol !== 'multipart')
      return s3.send(new PutObjectCommand({ ...target, Body: buffer, ChecksumSHA256: digest }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target));
    const pieces = Array.from({ length: Math.ceil(buffer.length / PIECE_BYTES) }, (_, index) => index);
    const Parts = [];
    for (let first = 0; first < pieces.length; first += PIECES_AT_ONCE)
      Parts.push(
        ...(await Promise.all(
          pieces.slice(first, first + PIECES_AT_ONCE).map(async (index) => {
            const Body = buffer.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
            const PartNumber = index + 1;
            const { ETag } = await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body }));
            return { ETag, PartNumber };
          }),
        )),
      );
    await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }));
  };
  const publish = (destination, message) =>
    new Promise((resolve, reject) => {
      const confirmed = (error) => (error ? reject(error) : resolve());
      publisher.sendToQueue(queueOf(destination), message, { persistent: true }, confirmed);
    });

  return {
    flights,
    async send(buffer) {
      const id = randomUUID();
      const key = `packets/${id}/0`;
      const digest = sha256(buffer);
      await put(key, buffer, digest);
      await db.query({ ...INSERT, values: [id, buffer.length, digest, key, workload.recipients] });
      const message = Buffer.from(JSON.stringify({ id, key, digest }));
      await Promise.all(destinations.map((destination) => publish(destination, message)));
      flights.completed(id);
      await flights.arrival(id);
    },
    async close() {
      await broker.close();
      await db.end();
      s3.destroy();
    },
  };
}

/** Lean: no checksum trailers, and the body not hashed a second time for its signature (as with a presigned address). */
function plainS3({ S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY, S3_SECRET_KEY }) {
  const client = new S3Client({
    endpoint: S3_ENDPOINT,
    region: S3_REGION,
    forcePathStyle: true,
    credentials: { accessKeyId: S3_ACCESS_KEY, secretAccessKey: S3_SECRET_KEY },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { httpAgent: { keepAlive: true, maxSockets: 64 } },
  });
  client.middlewareStack.add(
    (next) => (args) => {
      args.request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      return next(args);
    },
    { step: 'build', name: 'unsignedPayload' },
  );
  return client;
}
