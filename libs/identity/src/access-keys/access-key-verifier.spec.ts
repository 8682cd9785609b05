import type { LienThongError, SignatureAlgorithm } from '@lienthong/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AccessKeyVerifier } from './access-key-verifier';
import { answerInternalCalls } from './answer-internal-calls';
import { AskAuth } from './ask-auth';
import { InternalCalls } from './internal-call';
import { RemoteAccessKeyVerifier } from './remote-access-key-verifier';
import { SecretBox } from './secret-box';
import { LocalWebhookSecrets } from './webhook-secrets';

class Knows extends AccessKeyVerifier {
  async verify(accessKey: string, alg: SignatureAlgorithm, base: string, signature: Buffer): Promise<boolean> {
    return `${accessKey} ${alg} ${base} ${signature.toString()}` === 'AK1 hmac-sha256 the base right';
  }
}

type Handler = Parameters<Parameters<typeof answerInternalCalls>[0]['post']>[1];

const dayKeys = { of: async (day: string) => Buffer.alloc(32, day) };

/** A `fetch` that reaches auth's route without a network; an address that is not listed is away. */
function network(addresses: string[], secretOfAuth = 'platform') {
  const handlers = new Map<string, Handler>();
  const router = { post: (path: string, given: Handler) => void handlers.set(path, given) };
  const webhookSecrets = new LocalWebhookSecrets(new SecretBox(Buffer.alloc(32, 1)));
  answerInternalCalls(
    router,
    { verifier: new Knows(), dayKeys, webhookSecrets },
    new InternalCalls(secretOfAuth, Date.now),
  );
  const asked: string[] = [];
  const send = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const { origin, pathname } = new URL(String(input));
    asked.push(origin);
    if (!addresses.includes(origin)) throw new TypeError('fetch failed');
    const rawBody = Buffer.from(String(init?.body));
    let text = '';
    let status = 200;
    const res = { setHeader: () => undefined, end: (body: string) => void (text = body) };
    const req = { headers: init?.headers, rawBody, body: JSON.parse(rawBody.toString()) as unknown };
    await handlers.get(pathname)!(req as unknown as IncomingMessage, res as unknown as ServerResponse).catch(
      (error: LienThongError) => {
        status = 403;
        text = JSON.stringify({ code: error.code });
      },
    );
    return new Response(text, { status });
  };
  return { asked, send: send as typeof fetch };
}

const A = 'http://10.0.0.1:3001';
const B = 'http://10.0.0.2:3001';
const ask = (verifier: RemoteAccessKeyVerifier, signature = 'right') =>
  verifier.verify('AK1', 'hmac-sha256', 'the base', Buffer.from(signature));

describe('asking auth about an access key', () => {
  it('gets the answer of auth, yes and no', async () => {
    const { send } = network([A]);
    const verifier = new RemoteAccessKeyVerifier(new AskAuth([A], new InternalCalls('platform', Date.now), send));
    expect(await ask(verifier)).toBe(true);
    expect(await ask(verifier, 'wrong')).toBe(false);
  });

  it('asks the next address when one is away, and goes on with the one that answered', async () => {
    const { send, asked } = network([B]);
    const verifier = new RemoteAccessKeyVerifier(new AskAuth([A, B], new InternalCalls('platform', Date.now), send));
    expect(await ask(verifier)).toBe(true);
    expect(await ask(verifier)).toBe(true);
    expect(asked).toEqual([A, B, B]);
  });

  it('asks the one with the fewest questions open', async () => {
    const { send, asked } = network([A, B]);
    const verifier = new RemoteAccessKeyVerifier(new AskAuth([A, B], new InternalCalls('platform', Date.now), send));
    expect(await Promise.all(Array.from({ length: 6 }, () => ask(verifier)))).toEqual(Array(6).fill(true));
    expect(asked.toSorted()).toEqual([A, A, A, B, B, B]);
  });

  it('says unavailable when nobody answers, after two tries with one address', async () => {
    const { send, asked } = network([]);
    const verifier = new RemoteAccessKeyVerifier(new AskAuth([A], new InternalCalls('platform', Date.now), send));
    await expect(ask(verifier)).rejects.toMatchObject({ code: 'unavailable', params: { what: 'auth' } });
    expect(asked).toEqual([A, A]);
  });

  it('takes no answer from an auth with another platform secret', async () => {
    const { send } = network([A], 'another');
    const verifier = new RemoteAccessKeyVerifier(new AskAuth([A], new InternalCalls('platform', Date.now), send));
    await expect(ask(verifier)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('InternalCalls', () => {
  it('knows its own token for a minute, with the same body only', () => {
    let now = Date.parse('2026-11-20T08:00:00Z');
    const calls = new InternalCalls('platform', () => now);
    const token = calls.token('{}');
    expect(calls.isGenuine(token, Buffer.from('{ }'))).toBe(false);
    expect(calls.isGenuine(token.replace(/^\d+/, String(now / 1000 + 1)), Buffer.from('{}'))).toBe(false);
    expect(calls.isGenuine(undefined, Buffer.from('{}'))).toBe(false);
    now += 59_000;
    expect(calls.isGenuine(token, Buffer.from('{}'))).toBe(true);
    now += 3000;
    expect(calls.isGenuine(token, Buffer.from('{}'))).toBe(false);
  });
});
