// Mutants of signed requests, as bytes, to a platform that runs. Reads `{ baseUrl, signers, mutants, seed }` on stdin; every signer has
// `keyId`, `alg` and `secret` or `privateKeyPem` with `publicKeyPem`. Prints counts as JSON; code 1 when a mutant was accepted or broke something.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { meaningOf } from './meaning.mjs';
import { copyOf, MUTATORS } from './mutators.mjs';
import { Random } from './random.mjs';
import { original } from './world.mjs';

const CHOICES = [
  { method: 'GET', target: '/v1/deliveries?limit=5', body: null },
  { method: 'GET', target: '/v1/packets?state=open&limit=1', body: null },
  { method: 'POST', target: '/v1/stream-tickets', body: Buffer.from('{}') },
];
const NAMES = Object.keys(MUTATORS);
const AT_ONCE = 8;

const { baseUrl, signers, mutants, seed } = JSON.parse(await text(process.stdin));
const { hostname, port, host } = new URL(baseUrl);

/** The bytes as they are: a client library would refuse to send many of them. @returns the status of the answer */
function send({ method, target, rawHeaders, body }) {
  const lines = [`${method} ${target} HTTP/1.1`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  const content = body ?? Buffer.alloc(0);
  if (content.length > 0) lines.push(`Content-Length: ${content.length}`);
  lines.push('Connection: close', '', '');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.setEncoding('latin1').setTimeout(30_000, () => socket.destroy(new Error('no answer within 30 s')));
    socket.on('data', (chunk) => (answer += chunk));
    socket.on('error', (error) => (answer ? resolve(Number(answer.slice(9, 12))) : reject(error)));
    socket.on('end', () => resolve(Number(answer.slice(9, 12))));
    // Not `end`: Node's server drops the answer to a client that has closed its half.
    socket.write(Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), content]));
  });
}

/**
 * What HTTP/1.1 can carry as written: a line end within a line is another request, which may well be the right one, and a blank after the method is
 * read away by Node's parser before anybody sees it; a target in absolute form is turned into the origin form by a gateway (RFC 9112 3.2.2), and the
 * platform then has the request that was signed. How such are read is a matter of the parser (plain-target.spec).
 */
const isOneRequest = ({ method, target, rawHeaders }) =>
  /^[!#$%&'*+.^`|~\w-]+$/.test(method) &&
  !/^https?:/i.test(target) &&
  ![target, ...rawHeaders].some((part) => /[\r\n]/.test(part));

const result = { originals: 0, mutants: 0, accepted: 0, statuses: {}, wrong: [] };
async function one(round) {
  const random = new Random(seed * 1_000_003 + round);
  const options = { now: Date.now(), authority: host, choice: CHOICES[round % CHOICES.length] };
  const signer = signers[round % signers.length];
  const [base, other] = [original(random, signer, options), original(random, random.of(signers), options)];
  const meaning = meaningOf(base);
  for (let tries = 0; tries < 20;) {
    const mutant = copyOf(base);
    const name = random.of(NAMES);
    MUTATORS[name](mutant, random, other);
    if (!isOneRequest(mutant) || meaning(mutant) === meaning(base)) continue;
    tries++;
    const status = await send(mutant);
    result.mutants++;
    result.statuses[status] = (result.statuses[status] ?? 0) + 1;
    if (status >= 400 && status < 500) continue;
    // 0: closed without an answer, which accepts nothing and is wrong all the same.
    if (status >= 100 && status < 400) result.accepted++;
    const { method, target, rawHeaders, body } = mutant;
    result.wrong.push({ status, name, round, method, target, rawHeaders, body: body?.toString('base64') });
  }
  // Last: its nonce was not used up by any of its mutants.
  const status = await send(base);
  if (status >= 200 && status < 300) result.originals++;
  else
    result.wrong.push({
      status,
      name: 'the original itself',
      round,
      method: base.method,
      target: base.target,
      rawHeaders: base.rawHeaders,
    });
}

let next = 0;
const rounds = Math.ceil(mutants / 20);
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (next < rounds) await one(next++);
  }),
);
console.log(JSON.stringify({ ...result, wrong: result.wrong.slice(0, 10) }));
process.exitCode = result.wrong.length === 0 ? 0 : 1;
