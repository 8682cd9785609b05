import { execFile, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '@lienthong/contracts';
import { type Party, type Platform, startPlatform } from '../support/platform';
import { itWhen } from '../support/when';

jest.setTimeout(90_000);

const there = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;
const python = there('python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 9))');
const openssl = there('openssl', 'version');

/** Another language and no line of ours in between: what the protocol says is what the servers do. */
describe('A client written from the protocol alone, in Python', () => {
  let platform: Platform;
  let destination: Party;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lienthong-python-'));
    platform = await startPlatform();
    destination = await platform.makeParty();
  });
  afterAll(async () => {
    await platform?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const allSteps = async (algorithm: SignatureAlgorithm) => {
    const rsa = algorithm.startsWith('rsa') ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : undefined;
    const privateKeyPem = rsa?.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const publicKeyPem = rsa?.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const source = await platform.makeParty({ algorithms: [algorithm], privateKeyPem, publicKeyPem });
    const pemFile = join(folder, `${algorithm}.pem`);
    if (privateKeyPem) writeFileSync(pemFile, privateKeyPem, { mode: 0o600 });
    const { stdout } = await promisify(execFile)('python3', [
      join(__dirname, '../protocol/client.py'),
      platform.baseUrl,
      `${algorithm}:${source.issued.accessKey}:${source.issued.secretKey ?? `@${pemFile}`}`,
      `hmac-sha256:${destination.issued.accessKey}:${destination.issued.secretKey}`,
      destination.agencyCode,
      'file',
    ]);
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]);
  };

  for (const algorithm of SIGNATURE_ALGORITHMS) {
    const possible = python && (openssl || !algorithm.startsWith('rsa'));
    itWhen(possible, 'Python 3.9, or openssl for RSA, is not on this machine')(
      `passes all seven steps with ${algorithm}`,
      async () => {
        expect(await allSteps(algorithm)).toEqual(['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S7', 'evidence']);
      },
    );
  }
});
