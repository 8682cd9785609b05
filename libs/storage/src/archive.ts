import { PutObjectCommand } from '@aws-sdk/client-s3';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, syncFolder } from './filesystem/content-files';
import { S3Connection, type S3Settings } from './s3/s3-connection';

/** A place outside the database for small files that are only ever added: what was put there once is never asked for again. */
export interface Archive {
  put(name: string, text: string): Promise<void>;
  close(): void;
}

/**
 * @param place a folder, or `s3://bucket/prefix` on the S3 server of `s3`; a bucket with object lock, or another machine's folder, is what makes it a witness
 * @throws Error with one sentence when the place names a bucket and no S3 server is set
 */
export function openArchive(place: string, s3: Omit<S3Settings, 'bucket'> | undefined): Archive {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(place) ?? [];
  if (bucket === undefined) return folderArchive(place);
  if (!s3)
    throw new Error(`${place} is a bucket, but no S3 server is set. Set S3_ENDPOINT and its keys, or name a folder.`);
  const connection = new S3Connection({ ...s3, bucket });
  const key = (name: string) => (prefix === '' ? name : `${prefix.replace(/\/$/, '')}/${name}`);
  return {
    put: async (name, text) => {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key(name),
        Body: text,
        ContentType: 'application/jose',
      });
      await connection.call((client, options) => client.send(command, options));
    },
    close: () => connection.close(),
  };
}

function folderArchive(folder: string): Archive {
  return {
    put: async (name, text) => {
      await makeFolder(folder);
      // Complete under its name or not there at all, also after a power failure.
      const fresh = join(folder, `.${name}.new`);
      const file = await open(fresh, 'w', 0o644);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(fresh, join(folder, name));
      await syncFolder(folder);
    },
    close: () => undefined,
  };
}
