import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { type SigningKey, signRequest } from '@lienthong/signing';
import { onEmbedded, onRealStack, type Party, type Platform, startPlatform } from '../support/platform';
import { StandaloneProcess } from '../support/standalone-process';
import { itWhen } from '../support/when';

jest.setTimeout(240_000);

const root = join(__dirname, '../..');
interface Vectors {
  keys: Record<string, { publicKeyPem: string; privateKeyPem: string }>;
}
const { keys } = JSON.parse(readFileSync(join(root, 'docs/test-vectors/signatures.json'), 'utf8')) as Vectors;
const MUTANTS_IN_PROCESS = 200_000;
const MUTANTS_OVER_HTTP = 2_000;

/** Runs a program of test/fuzz. */
async function run(program: string, args: string[], input = ''): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, [join(root, 'test/fuzz', program), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, out: out + err };
}

describe('Abuse of signatures', () => {
  let platform: Platform;
  let source: Party;
  /** Taken once, by the first test that sends them. */
  let once: ReturnType<typeof signedGet>[];

  beforeAll(async () => {
    platform = await startPlatform();
    source = await platform.makeParty();
  });
  afterAll(() => platform?.stop());

  const signedGet = (key: SigningKey = source.key, target = '/v1/deliveries?limit=1') => ({
    target,
    headers: signRequest({ method: 'GET', target }, key),
  });
  const send = async (baseUrl: string, { target, headers }: ReturnType<typeof signedGet>) => {
    const response = await fetch(baseUrl + target, { headers });
    const { code } = (await response.json()) as { code?: string };
    return `${response.status} ${code ?? ''}`.trim();
  };
  /** How often each answer came. */
  const count = (answers: string[]) =>
    Object.fromEntries([...new Set(answers)].map((one) => [one, answers.filter((other) => other === one).length]));
  const sendAll = async (baseUrl: string, requests: ReturnType<typeof signedGet>[]) =>
    count(await Promise.all(requests.map((request) => send(baseUrl, request))));

  itWhen(!onRealStack, 'it meets no server; done in npm test')(
    `A2 A4 A5 A6 A9 A10 A11 accepts none of ${MUTANTS_IN_PROCESS} mutants of signed requests of every algorithm and of a session`,
    async () => {
      const { code, out } = await run('run.mjs', ['--mutants', String(MUTANTS_IN_PROCESS)]);
      process.stdout.write(`${out}\n`);
      expect({ code, out }).toMatchObject({
        code: 0,
        out: expect.stringContaining(`mutants ${MUTANTS_IN_PROCESS}; accepted = 0`),
      });
    },
  );

  it(`A2 A4 A5 A6 A9 A10 accepts none of ${MUTANTS_OVER_HTTP} mutants over HTTP, and each original after all of its mutants`, async () => {
    const pss = { alg: 'rsa-pss-sha512', ...keys['TEST-PSS'] } as const;
    const v15 = { alg: 'rsa-v1_5-sha256', ...keys['TEST-V15'] } as const;
    const parties = await Promise.all(
      [pss, v15].map(({ alg, publicKeyPem, privateKeyPem }) =>
        platform.makeParty({ algorithms: [alg], publicKeyPem, privateKeyPem }),
      ),
    );
    const session = await platform.fetch<{ sessionId: string; sessionKey: string }>('/v1/sessions', {
      method: 'POST',
      key: source.key,
    });
    const { sessionId, sessionKey } = session.json;
    const signers = [
      source.key,
      { keyId: sessionId, alg: 'hmac-sha256', secret: sessionKey },
      ...parties.map(({ key }, index) => ({ ...key, publicKeyPem: [pss, v15][index].publicKeyPem })),
    ];
    const asked = { baseUrl: platform.baseUrl, signers, mutants: MUTANTS_OVER_HTTP, seed: 11 };
    const { code, out } = await run('over-http.mjs', [], JSON.stringify(asked));
    process.stdout.write(`${out}\n`);
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('"accepted":0') });
  });

  it('A1 takes no request twice: at once, again, and at another instance', async () => {
    once = Array.from({ length: 100 }, () => signedGet());
    expect(await sendAll(platform.baseUrl, once)).toEqual({ 200: 100 });
    expect(await sendAll(platform.baseUrl, once)).toEqual({ '401 replayed_request': 100 });
    const twins = Array.from({ length: 20 }, () => signedGet());
    expect(await sendAll(platform.baseUrl, [...twins, ...twins])).toEqual({ 200: 20, '401 replayed_request': 20 });

    // On the real stack every app has two instances behind the gateway, which the requests above were spread over.
    if (onRealStack) return;
    const secrets = JSON.parse(readFileSync(join(platform.standalone!.folder, 'secrets.json'), 'utf8')) as {
      platformSecret: string;
      masterKey: string;
    };
    const other = await StandaloneProcess.start({
      DATABASE_URL: platform.standalone!.databaseUrl(),
      PLATFORM_SECRET: secrets.platformSecret,
      MASTER_KEY: secrets.masterKey,
    });
    try {
      expect(await sendAll(other.baseUrl, once)).toEqual({ '401 replayed_request': 100 });
      expect(await sendAll(other.baseUrl, [signedGet()])).toEqual({ 200: 1 });
    } finally {
      await other.remove();
    }
  });

  itWhen(
    onEmbedded,
    'a restart would end the streams of the tests beside this one; test/faults/servers-gone.test.ts does it',
  )('A1 takes none of them again after a restart', async () => {
    await platform.restart();
    expect(await sendAll(platform.baseUrl, once)).toEqual({ '401 replayed_request': 100 });
  });

  it('A3 takes a request 299 s old or ahead and none of 301 s, and tells its own time', async () => {
    const now = Math.floor(Date.now() / 1000);
    const at = (created: number) => platform.fetch('/v1/deliveries', { key: source.key, created });
    for (const created of [now - 290, now + 290]) expect((await at(created)).status).toBe(200);
    for (const created of [now - 302, now + 310]) {
      const { status, json } = await at(created);
      expect({ status, code: json.code }).toEqual({ status: 401, code: 'clock_skew' });
      expect(Math.abs(Date.parse(String(json.serverTime)) - Date.now())).toBeLessThan(10_000);
    }
  });

  it('A13 records nothing of requests that do not verify', async () => {
    const rows = async () => Number((await platform.sql<{ n: string }>('SELECT count(*) AS n FROM nonces'))[0].n);
    const forged = () => signedGet({ ...source.key, secret: 'another secret that is long enough to be one' });
    const unknown = () => signedGet({ ...source.key, keyId: `AK${crypto.randomUUID()}` });
    const before = await rows();
    const answers = await sendAll(
      platform.baseUrl,
      Array.from({ length: 300 }, (_, n) => (n % 2 ? forged() : unknown())),
    );
    expect(answers).toEqual({ '401 signature_invalid': 150, '401 unknown_key': 150 });
    // Others may use the stack at the same time; a flood of 300 would show.
    expect((await rows()) - before).toBeLessThan(onRealStack ? 100 : 1);
  });
});
