// npm run bench:signing [-- --stack --samples 20000 --requests 2000]: what the verification of a request costs, and whether its time tells an unknown key
// from a wrong signature (protocol 3, reliability P14). In process: the real Authenticator with its rows in memory. Over HTTP: the embedded default, or the
// real stack through its gateway, one request at a time over one connection. Prints; it does not judge: on a machine with other work t is noise.
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { Agent, request } from 'undici';
import { parseArgs } from 'node:util';
import { LienThongClient } from '@lienthong/client';
import { newAuthenticator, NOW, SIGNERS, signRequest } from '../fuzz/world.mjs';
import { percentile } from './measure/percentiles.mjs';
import { loadAverage } from './measure/processes.mjs';
import { startEmbedded } from './platform/embedded.mjs';
import { makeParties } from './platform/parties.mjs';
import { startStack } from './platform/stack.mjs';

const { values } = parseArgs({
  options: {
    stack: { type: 'boolean', default: false },
    samples: { type: 'string', default: '20000' },
    requests: { type: 'string', default: '2000' },
  },
});
const SAMPLES = Number(values.samples);
const REQUESTS = Number(values.requests);
const TARGET = '/v1/deliveries?limit=1';

/** Welch's t of two samples, without the slowest hundredth of each: the pauses of the machine, which say nothing of the code (Reparaz et al., dudect). */
function welch(one, other) {
  const [a, b] = [one, other].map((times) => {
    const bound = percentile(times, 99);
    const kept = times.filter((time) => time <= bound);
    const mean = kept.reduce((sum, time) => sum + time, 0) / kept.length;
    const variance = kept.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (kept.length - 1);
    return { mean, error: variance / kept.length };
  });
  return (a.mean - b.mean) / Math.sqrt(a.error + b.error);
}

const line = (name, times, unit, more = '') =>
  console.log(
    `  ${name.padEnd(44)} n ${String(times.length).padStart(6)}  p50 ${percentile(times, 50)
      .toFixed(unit === 'ms' ? 2 : 1)
      .padStart(7)} ${unit}  p99 ${percentile(times, 99)
      .toFixed(unit === 'ms' ? 2 : 1)
      .padStart(7)} ${unit}${more}`,
  );

const tell = (name, known, unknown, unit) => {
  line(`${name}: wrong signature`, known, unit);
  line(`${name}: unknown key`, unknown, unit, `  |t| ${Math.abs(welch(known, unknown)).toFixed(1)}`);
};

/** Runs the makers by turns, in an order that changes, and times what each made. */
async function interleaved(count, makers, run) {
  const times = makers.map(() => []);
  for (let round = 0; round < count; round++) {
    for (let turn = 0; turn < makers.length; turn++) {
      const which = (turn + round) % makers.length;
      const made = makers[which]();
      const began = process.hrtime.bigint();
      await run(made);
      times[which].push(Number(process.hrtime.bigint() - began));
    }
  }
  return times;
}

const headersOf = (key, options = {}) => signRequest({ method: 'GET', target: TARGET }, key, options);
/** What somebody without the key can send: the right form, with bytes of the right number. */
function wronglySigned(key, options) {
  const headers = headersOf(key, options);
  const length = Buffer.from(headers.signature.slice(5, -1), 'base64').length;
  return { ...headers, signature: `sig=:${randomBytes(length).toString('base64')}:` };
}

async function inProcess() {
  console.log(`\nIn process, the real Authenticator with its rows in memory (load average ${loadAverage()})`);
  const { authenticator } = newAuthenticator({ asServed: true });
  const created = { created: NOW / 1000 };
  const received = (headers) => ({
    method: 'GET',
    target: TARGET,
    rawHeaders: Object.entries(headers).flat(),
    body: null,
  });
  const authenticate = (one) => authenticator.authenticate(one).catch(() => undefined);
  for (const signer of SIGNERS) {
    const name = signer.keyId.startsWith('AK') ? signer.alg : 'session (hmac-sha256)';
    const unknown = { ...signer, keyId: signer.keyId.startsWith('AK') ? 'AKNOBODY' : signer.keyId.replace(/1$/, '9') };
    const makers = [
      () => received(headersOf(signer, created)),
      () => received(wronglySigned(signer, created)),
      () => received(wronglySigned(unknown, created)),
    ];
    await interleaved(Math.min(500, SAMPLES), makers, authenticate);
    const samples = signer.alg.startsWith('rsa') ? Math.ceil(SAMPLES / 4) : SAMPLES;
    const [right, wrong, nobody] = (await interleaved(samples, makers, authenticate)).map((all) =>
      all.map((ns) => ns / 1000),
    );
    line(`${name}: verified`, right, 'µs');
    tell(name, wrong, nobody, 'µs');
  }
}

async function overHttp() {
  // One address and a few keys ask for everything here, a third of it with signatures that are wrong.
  Object.assign(process.env, { RATE_LIMIT_PER_MINUTE: '0', RATE_LIMIT_PER_KEY_PER_MINUTE: '0' });
  const platform = await (values.stack ? startStack : startEmbedded)({});
  const dispatcher = new Agent({ connections: 1, pipelining: 1 });
  const clients = [];
  try {
    const { source } = await makeParties(platform.admin);
    const client = new LienThongClient({ ...platform.admin, session: false });
    clients.push(client);
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const publicKeyPem = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }))
      .export({ type: 'spki', format: 'pem' })
      .toString();
    const rsa = await client.admin.keys.issue(source.systemId, {
      algorithms: ['rsa-pss-sha512', 'rsa-v1_5-sha256'],
      publicKeyPem,
    });
    const sha1 = await client.admin.keys.issue(source.systemId, {
      algorithms: ['hmac-sha1'],
      legacyUntil: new Date(Date.now() + 86_400_000).toISOString(),
    });
    const own = new LienThongClient({
      baseUrl: platform.admin.baseUrl,
      accessKey: source.accessKey,
      secretKey: source.secretKey,
    });
    clients.push(own);
    const { sessionId, sessionKey } = await own.sessions.open();
    console.log(`\nOver HTTP, GET ${TARGET}, ${platform.name}, one connection (load average ${loadAverage()})`);
    const ask = async ({ target = TARGET, headers = {}, status }) => {
      const answer = await request(platform.admin.baseUrl + target, { headers, dispatcher });
      await answer.body.dump();
      if (answer.statusCode !== status) throw new Error(`${answer.statusCode} where ${status} was to be timed.`);
    };
    const [unsigned] = await interleaved(REQUESTS, [() => ({ target: '/v1/limits', status: 200 })], ask);
    line(
      'nothing signed (GET /v1/limits)',
      unsigned.map((ns) => ns / 1e6),
      'ms',
    );
    const nobody = 'AK00000000000000000000';
    const signers = [
      ['hmac-sha256', { keyId: source.accessKey, alg: 'hmac-sha256', secret: source.secretKey }, nobody],
      ['hmac-sha1', { keyId: sha1.accessKey, alg: 'hmac-sha1', secret: sha1.secretKey }, nobody],
      [
        'session',
        { keyId: sessionId, alg: 'hmac-sha256', secret: sessionKey },
        sessionId.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      ],
      ['rsa-pss-sha512', { keyId: rsa.accessKey, alg: 'rsa-pss-sha512', privateKeyPem }, nobody],
      ['rsa-v1_5-sha256', { keyId: rsa.accessKey, alg: 'rsa-v1_5-sha256', privateKeyPem }, nobody],
    ];
    for (const [name, signer, keyId] of signers) {
      const makers = [
        () => ({ headers: headersOf(signer), status: 200 }),
        () => ({ headers: wronglySigned(signer), status: 401 }),
        () => ({ headers: wronglySigned({ ...signer, keyId }), status: 401 }),
      ];
      await interleaved(50, makers, ask);
      const [right, wrong, unknown] = (await interleaved(REQUESTS, makers, ask)).map((all) =>
        all.map((ns) => ns / 1e6),
      );
      line(`${name}: verified and answered`, right, 'ms');
      tell(name, wrong, unknown, 'ms');
    }
  } finally {
    // A client that closes ends its session.
    await Promise.all(clients.map((one) => one.close()));
    await dispatcher.close();
    await platform.stop();
  }
}

await inProcess();
await overHttp();
