import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '@lienthong/contracts';
import { verifyReceipts } from '@lienthong/signing';
import { eventually } from '../support/eventually';
import { examples, sayWhatIsMissing, verifier } from '../support/examples';
import { type Party, type Platform, startPlatform } from '../support/platform';
import { itWhen } from '../support/when';

jest.setTimeout(180_000);

/** One language sends with every algorithm, the next one that is on the machine receives: no line of ours on either side. */
describe('The small clients of libs/client/examples', () => {
  const clients = examples();
  sayWhatIsMissing(clients);
  const present = clients.filter(({ missing }) => !missing);
  const exchanged: string[] = [];
  let platform: Platform;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lienthong-examples-'));
    platform = await startPlatform();
  });
  afterAll(async () => {
    clients.forEach((client) => client.dispose());
    process.stdout.write(exchanged.map((line) => `example ${line}\n`).join(''));
    await platform?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const keyFile = (name: string, { issued, key }: Party): string => {
    const file = join(folder, name);
    const { accessKey, secretKey } = issued;
    const content = {
      accessKey,
      secretKey,
      privateKeyPem: key.privateKeyPem,
      algorithm: key.alg,
      baseUrl: platform.baseUrl,
    };
    writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
    return file;
  };

  const partyWith = (algorithm: SignatureAlgorithm): Promise<Party> => {
    const rsa = algorithm.startsWith('rsa') ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : undefined;
    return platform.makeParty({
      algorithms: [algorithm],
      privateKeyPem: rsa?.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      publicKeyPem: rsa?.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    });
  };

  for (const { language, missing, run } of clients) {
    itWhen(!missing, missing ?? '')(
      `${language} sends with each algorithm, and the next language receives it`,
      async () => {
        const receiver = present[(present.findIndex((client) => client.language === language) + 1) % present.length];
        const [destination, inbox] = [await platform.makeParty(), join(folder, `${receiver.language}-received`)];
        mkdirSync(inbox);
        const contents: Buffer[] = [];
        const packets: string[] = [];
        for (const algorithm of SIGNATURE_ALGORITHMS) {
          const content = randomBytes(10_000 + contents.length);
          const file = join(folder, `công văn "${language.replace('#', 'sharp')}" ${algorithm}.bin`);
          writeFileSync(file, content);
          const env = { LIENTHONG_KEY_FILE: keyFile(`${language}-${algorithm}.json`, await partyWith(algorithm)) };
          const printed = await run(['send', file, '--to', destination.agencyCode], env);
          expect(printed).toMatch(/^sent [0-9a-f-]{36}\n$/);
          contents.push(content);
          packets.push(printed.trim().slice(5));
        }
        await eventually(async () => (await destination.client.deliveries.page()).items.length === packets.length);

        const env = { LIENTHONG_KEY_FILE: keyFile(`${receiver.language}-receives.json`, destination) };
        const lines = (await receiver.run(['receive', inbox], env)).trim().split('\n');
        expect(lines.toSorted()).toEqual(packets.map((id) => `received ${id} accepted`).toSorted());
        const received = readdirSync(inbox).map((name) => readFileSync(join(inbox, name)).toString('base64'));
        expect(received.toSorted()).toEqual(contents.map((content) => content.toString('base64')).toSorted());
        rmSync(inbox, { recursive: true });
        exchanged.push(`${language} -> ${receiver.language}: ${packets.length} packets`);
      },
    );
  }

  const evidence = verifier();
  itWhen(!evidence.missing, evidence.missing ?? '')(
    'The second verifier finds the evidence of a packet valid, and a changed one not',
    async () => {
      const [source, destination] = [await platform.makeParty(), await platform.makeParty()];
      const content = Buffer.from('Nội dung công văn');
      const { packetId } = await source.client.sendFiles({
        to: [destination.agencyCode],
        title: 'V/v bằng chứng',
        files: [{ name: 'a.txt', buffer: content }],
      });
      const inbox = join(folder, 'evidence');
      await eventually(async () => (await destination.client.receiveAll(inbox)).received.length === 1);
      const bundle = await eventually(async () => {
        const seen = await source.client.packets.receipts(packetId);
        return seen.receipts.some(({ event }) => event === 'packet.purged') && seen;
      });
      const jwks = await source.client.jwks();
      expect((await verifyReceipts(bundle, jwks)).valid).toBe(true);
      const files = ['bundle.json', 'jwks.json', 'content', 'other'].map((name) => join(folder, name));
      [JSON.stringify(bundle), JSON.stringify(jwks), content, 'other'].forEach((text, i) =>
        writeFileSync(files[i], text),
      );

      const [bundleFile, jwksFile, contentFile, otherFile] = files;
      const verify = (...more: string[]): Promise<string> => evidence.run([bundleFile, '--jwks', jwksFile, ...more]);
      expect(await verify('--content', contentFile)).toContain(
        `valid: ${bundle.receipts.length} receipts of packet ${packetId}`,
      );
      await expect(verify('--content', otherFile)).rejects.toMatchObject({ code: 1 });
      writeFileSync(bundleFile, JSON.stringify({ ...bundle, receipts: bundle.receipts.slice(1) }));
      await expect(verify()).rejects.toMatchObject({
        code: 1,
        stdout: expect.stringContaining('receipt 1: is not the first of its packet'),
      });
    },
  );
});
