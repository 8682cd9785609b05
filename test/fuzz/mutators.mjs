import { createHash } from 'node:crypto';
import { ALGORITHMS, OTHER_KEY_IDS, SIGNERS } from './world.mjs';
import { RESIGNED } from './forgeries.mjs';

export const copyOf = (request) => ({
  ...request,
  rawHeaders: [...request.rawHeaders],
  body: request.body && Buffer.from(request.body),
});
const at = ({ rawHeaders }, name) =>
  rawHeaders.findIndex((one, index) => index % 2 === 0 && one.toLowerCase() === name) + 1;
const header = (request, name) => request.rawHeaders[at(request, name)];
/** @param change of the header's value; without the header nothing changes */
function setHeader(request, name, change) {
  const index = at(request, name);
  if (index > 0) request.rawHeaders[index] = change(request.rawHeaders[index]);
}
const flip = (random, text) => {
  if (text === '') return 'x';
  const bytes = Buffer.from(text, 'latin1');
  bytes[random.below(bytes.length)] ^= 1 << random.below(8);
  return bytes.toString('latin1');
};
const digestOf = (body, hash = 'sha256') =>
  createHash(hash)
    .update(body ?? '')
    .digest('base64');
/** The parameters `;a=b;c="d"` of Signature-Input, in order. */
const parameters = (input) => {
  const end = input.indexOf(')') + 1;
  return [input.slice(0, end), input.slice(end).split(';').slice(1)];
};
const setParameters = (request, change) =>
  setHeader(request, 'signature-input', (input) => {
    const [components, list] = parameters(input);
    return [components, ...change(list)].join(';');
  });
const setComponents = (request, change) =>
  setHeader(request, 'signature-input', (input) => {
    const [, inside, rest] = /^sig=\(([^)]*)\)(.*)$/.exec(input) ?? [];
    // An earlier mutation left nothing of the form.
    return inside === undefined ? input : `sig=(${change(inside.split(' ')).join(' ')})${rest}`;
  });
const setSignature = (request, change) =>
  setHeader(request, 'signature', (value) => `sig=:${change(value.slice(5, -1))}:`);

/** Each changes a copy of a right request, as someone would who has seen it and has no key. */
export const MUTATORS = {
  'flip a bit': (request, random) => {
    const area = random.of(['method', 'target', 'body', 'value', 'value', 'name']);
    if (area === 'body') {
      if (request.body?.length) request.body[random.below(request.body.length)] ^= 1 << random.below(8);
    } else if (area === 'method' || area === 'target') request[area] = flip(random, request[area]);
    else {
      const pair = random.below(request.rawHeaders.length / 2) * 2;
      request.rawHeaders[pair + (area === 'value' ? 1 : 0)] = flip(
        random,
        request.rawHeaders[pair + (area === 'value' ? 1 : 0)],
      );
    }
  },
  'add or repeat a header': (request, random) => {
    const name = random.of([
      'x-added',
      'content-digest',
      'signature',
      'signature-input',
      'host',
      'content-type',
      '@method',
      '@path',
      'idempotency-key',
    ]);
    const value = random.of([
      header(request, name) ?? 'x',
      '',
      random.text(8),
      'sig=:AAAA:',
      'sig=("@method");created=1',
    ]);
    request.rawHeaders.splice(
      random.below(request.rawHeaders.length / 2 + 1) * 2,
      0,
      random.of([name, name.toUpperCase()]),
      value,
    );
  },
  'drop a header': (request, random) => request.rawHeaders.splice(random.below(request.rawHeaders.length / 2) * 2, 2),
  'reorder headers, change the case of names': (request, random) => {
    const pairs = Array.from({ length: request.rawHeaders.length / 2 }, (_, index) =>
      request.rawHeaders.slice(index * 2, index * 2 + 2),
    );
    const [moved] = pairs.splice(random.below(pairs.length), 1);
    pairs.splice(random.below(pairs.length + 1), 0, moved);
    request.rawHeaders = pairs.flatMap(([name, value]) => [random.chance(0.5) ? name.toUpperCase() : name, value]);
  },
  'change spaces': (request, random) => {
    const index = random.below(request.rawHeaders.length / 2) * 2 + 1;
    const value = request.rawHeaders[index];
    const inside = random.below(value.length);
    request.rawHeaders[index] = random.of([
      ` ${value}`,
      `${value}\t `,
      `${value.slice(0, inside)} ${value.slice(inside)}`,
      `${value}\r\n`,
      `${value}\r\n "@path": /`,
      `${value}\u00a0`,
    ]);
  },
  'write the signature in other base64': (request, random) =>
    setSignature(request, (text) => {
      const bytes = Buffer.from(text, 'base64');
      const plain = text.replace(/=+$/, '');
      const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
      const cut = 1 + random.below(text.length - 2);
      return random.of([
        plain,
        `${text}=`,
        `${plain}==`,
        `${plain}===`,
        bytes.toString('base64url'),
        bytes.toString('hex'),
        text.replaceAll('+', '-'),
        text.replaceAll('/', '_'),
        `${text.slice(0, cut)} ${text.slice(cut)}`,
        `${text.slice(0, cut)}\n${text.slice(cut)}`,
        `${text.slice(0, cut)}=${text.slice(cut)}`,
        // The unused bits of the last character (RFC 4648 3.5).
        plain.slice(0, -1) + last[(last.indexOf(plain.at(-1)) + 1 + random.below(3)) % 64] + text.slice(plain.length),
        text.toUpperCase(),
        encodeURIComponent(text),
        Buffer.from(text).toString('base64'),
      ]);
    }),
  'change the bytes of the signature': (request, random, other) =>
    setSignature(request, (text) => {
      const bytes = Buffer.from(text, 'base64');
      const turned = Buffer.from(bytes.toReversed());
      return random
        .of([
          Buffer.alloc(bytes.length),
          Buffer.alloc(0),
          bytes.subarray(1),
          bytes.subarray(0, -1),
          bytes.subarray(0, 20),
          Buffer.concat([Buffer.from([0]), bytes]),
          Buffer.concat([bytes, Buffer.from([0])]),
          Buffer.concat([bytes, bytes]),
          turned,
          random.bytes(bytes.length),
          Buffer.from((header(other, 'signature') ?? 'sig=::').slice(5, -1), 'base64'),
        ])
        .toString('base64');
    }),
  'several signatures, other labels': (request, random, other) => {
    const [input, signature] = [header(request, 'signature-input') ?? '', header(request, 'signature') ?? ''];
    const [otherInput, otherSignature] = [header(other, 'signature-input'), header(other, 'signature')];
    if (otherInput === undefined || otherSignature === undefined) return;
    const choice = random.of([
      [`${input}, sig2=${otherInput.slice(4)}`, `${signature}, sig2=${otherSignature.slice(4)}`],
      [`${otherInput}, ${input}`, `${otherSignature}, ${signature}`],
      [`${input}, ${input}`, `${signature}, ${signature}`],
      [input.replace(/^sig=/, 'sig1='), signature.replace(/^sig=/, 'sig1=')],
      [input.replace(/^sig=/, 'Sig='), signature],
      [input, signature.replace(/^sig=/, 'sig = ')],
      [`${input},`, signature],
      [input, `${signature};alg="none"`],
      [otherInput, signature],
      [input, otherSignature],
    ]);
    setHeader(request, 'signature-input', () => choice[0]);
    setHeader(request, 'signature', () => choice[1]);
  },
  'edit the parameters': (request, random) =>
    setParameters(request, (list) => {
      const edited = list.length > 0 ? [...list] : ['x=1'];
      const index = random.below(edited.length);
      const [name] = (edited[index] ?? '').split('=');
      const edits = [
        () => edited.splice(index, 1),
        () =>
          edited.push(
            random.of([
              'expires=1',
              'expires=9999999999',
              'tag="x"',
              'created=1',
              'alg="none"',
              'keyid="AKOTHER"',
              'nonce="nnnnnnnnnnnnnnnnn"',
              'x',
            ]),
          ),
        () => edited.splice(0, edited.length, ...edited.toReversed()),
        () => (edited[index] = edited[index].toUpperCase()),
        () => (edited[index] = edited[index].replaceAll('"', '')),
        () => (edited[index] = ` ${edited[index]}`),
        () => (edited[index] = edited[index].replace('=', ' = ')),
        () =>
          (edited[index] =
            `${name}=${random.of(['', '""', '1', '-1', '1.0', ':AAAA:', '?1', '()', '"', '%22', '@1', 'x'])}`),
        () => edited.splice(random.below(edited.length + 1), 0, edited[index]),
        () => edited.splice(0),
      ];
      random.of(edits)();
      return edited;
    }),
  'edit created': (request, random) =>
    setParameters(request, (list) =>
      list.map((one) => {
        if (!one.startsWith('created=')) return one;
        const seconds = Number(one.slice(8));
        return `created=${random.of([seconds + 1, seconds - 1, seconds + random.below(600) - 300, `0${seconds}`, `+${seconds}`, `${seconds}.0`, `${seconds}e0`, `"${seconds}"`, 0, -seconds, '9'.repeat(20), `${seconds} `])}`;
      }),
    ),
  'edit the nonce': (request, random) =>
    setParameters(request, (list) =>
      list.map((one) => {
        if (!one.startsWith('nonce=')) return one;
        const nonce = one.slice(7, -1);
        return `nonce="${random.of([random.text(24), `${nonce}a`, nonce.slice(1), nonce.toUpperCase(), nonce.toLowerCase(), `${nonce}\\"`, `${nonce} `, '', 'x'.repeat(65), `\\${nonce}`, `${nonce}%00`])}"`;
      }),
    ),
  'name another key or algorithm': (request, random) =>
    setParameters(request, (list) => {
      const both = random.chance(0.3);
      return list.map((one) => {
        if (one.startsWith('keyid=') && (both || random.chance(0.5)))
          return `keyid="${random.of([...SIGNERS.map(({ keyId }) => keyId), ...OTHER_KEY_IDS])}"`;
        if (one.startsWith('alg=') && (both || random.chance(0.5)))
          return `alg="${random.of([...ALGORITHMS, 'none', '', 'HMAC-SHA256', 'hmac-sha512', 'rsa-pss-sha256', 'ed25519', 'ecdsa-p256-sha256', 'hmac-sha256 '])}"`;
        return one;
      });
    }),
  'edit the list of components': (request, random) =>
    setComponents(request, (list) => {
      const edited = [...list];
      const index = random.below(edited.length);
      const edits = [
        () => edited.splice(index, 1),
        () =>
          edited.push(
            random.of([
              '"host"',
              '"@authority"',
              '"x-request-id"',
              '"@status"',
              '"@target-uri"',
              '"@request-target"',
              '"@scheme"',
              '"signature"',
              '"content-type"',
              '"@query-param";name="q"',
              '"absent"',
            ]),
          ),
        () => edited.splice(0, edited.length, ...edited.toReversed()),
        () => edited.splice(random.below(edited.length + 1), 0, edited[index]),
        () => (edited[index] = `${edited[index]};${random.of(['sf', 'bs', 'req', 'key="sha-256"', 'tr'])}`),
        () => (edited[index] = edited[index].toUpperCase()),
        () => (edited[index] = edited[index].replaceAll('"', '')),
        () => edited.splice(0),
        () => edited.splice(random.below(edited.length + 1), 0, ''),
      ];
      random.of(edits)();
      return edited;
    }),
  'change method, path or query': (request, random) => {
    const { method, target } = request;
    const [path, query] = target.split('?');
    const slash = random.below(path.split('/').length - 1) + 1;
    const place = path.split('/').slice(0, slash).join('/').length;
    const pairs = (query ?? '').split('&');
    const edits = [
      () =>
        (request.method = random.of([
          'GET',
          'POST',
          'PUT',
          'PATCH',
          'DELETE',
          'HEAD',
          'OPTIONS',
          method.toLowerCase(),
          `${method} `,
          'post',
          'QUERY',
        ])),
      () => (request.target = target.toUpperCase()),
      () =>
        (request.target = `${path.slice(0, place)}${random.of(['/', '/.', '/..', '/%2e', '/%2E%2e', '%2f', ';x', '\\', '//', '/x/..'])}${target.slice(place)}`),
      () =>
        (request.target = target.replace(
          path,
          `${path}${random.of(['/', '.', '%00', '%20', ';', '%3f', '#', '?', '%0d%0a'])}`,
        )),
      () => (request.target = target.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`)),
      () => (request.target = target.replaceAll(/%([0-9A-F]{2})/g, (escaped) => escaped.toLowerCase())),
      // Not decodeURIComponent: a mutator before this one may have left bytes that are no UTF-8.
      () => (request.target = unescape(target)),
      () => (request.target = query === undefined ? `${target}?` : path),
      () => (request.target = `${path}?${pairs.toReversed().join('&')}`),
      () =>
        (request.target = `${target}${target.includes('?') ? '&' : '?'}${random.of(['', 'limit=500', 'limit=5', '_=1', '%6cimit=1'])}`),
      () => (request.target = `http://lienthong.example:8080${target}`),
      () => (request.target = target.replace('?', '??')),
      () => (request.target = `${target} HTTP/1.1`),
    ];
    random.of(edits)();
  },
  'change the body, and its digest to fit': (request, random) => {
    const body = request.body ?? Buffer.alloc(0);
    request.body = random.of([
      Buffer.concat([body, Buffer.from(random.of([' ', '\n', '\0', '{}']))]),
      body.subarray(0, -1),
      Buffer.from(body.toString().replace('{', '{ ')),
      Buffer.from(body.toString().replace('{', '{"title":"x",')),
      Buffer.from(body.toString().replace('title', '\\u0074itle')),
      Buffer.from('{}'),
      null,
    ]);
    if (random.chance(0.5)) return;
    const digest = random.of([
      `sha-256=:${digestOf(request.body)}:`,
      `sha-512=:${digestOf(request.body, 'sha512')}:`,
      `${header(request, 'content-digest')}, sha-512=:${digestOf(request.body, 'sha512')}:`,
      `sha-256=:${digestOf(request.body)}:, ${header(request, 'content-digest')}`,
      `md5=:${digestOf(request.body, 'md5')}:`,
      `SHA-256=${digestOf(request.body)}`,
    ]);
    if (at(request, 'content-digest') > 0) setHeader(request, 'content-digest', () => digest);
    else request.rawHeaders.push('content-digest', digest);
  },
  'put parts of another right request in': (request, random, other) => {
    const part = random.of(['method', 'target', 'body', 'signature', 'signature-input', 'content-digest']);
    if (part === 'method' || part === 'target' || part === 'body') request[part] = other[part];
    else if (at(request, part) > 0 && at(other, part) > 0) setHeader(request, part, () => header(other, part));
  },
  'sign it with something else than the key': (request, random) =>
    RESIGNED(request, random, { header, setHeader, setSignature }),
};
