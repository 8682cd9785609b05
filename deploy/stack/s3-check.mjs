import { createHash, createHmac } from 'node:crypto';
import { credentials, ports } from './settings.mjs';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

/** Lists the buckets with a signed request (AWS Signature Version 4): the server is up and knows our key. */
export async function checkS3() {
  const { s3AccessKey, s3SecretKey } = credentials();
  const host = `127.0.0.1:${ports.s3}`;
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const day = time.slice(0, 8);
  const empty = sha256('');
  const signed = 'host;x-amz-content-sha256;x-amz-date';
  const request = `GET\n/\n\nhost:${host}\nx-amz-content-sha256:${empty}\nx-amz-date:${time}\n\n${signed}\n${empty}`;
  const scope = `${day}/us-east-1/s3/aws4_request`;
  const key = [day, 'us-east-1', 's3', 'aws4_request'].reduce(hmac, `AWS4${s3SecretKey}`);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(request)}`).toString('hex');
  const response = await fetch(`http://${host}/`, {
    headers: {
      'x-amz-content-sha256': empty,
      'x-amz-date': time,
      authorization: `AWS4-HMAC-SHA256 Credential=${s3AccessKey}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`S3 answered ${response.status}: ${text.slice(0, 200)}`);
}
