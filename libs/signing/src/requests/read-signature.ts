import {
  parseDictionary,
  serializeDictionary,
  serializeInnerList,
  type InnerList,
  type Item,
} from 'structured-headers';
import { isAlgorithm, signatureAlgorithmNames, type Algorithm } from './algorithms';
import { digestFits } from './content-digest';
import { KEY_ID, NONCE } from './parameters';
import { baseOf, headerOf, requiredComponents, type Message } from './signature-base';
import { malformed, SignatureError } from './signature-error';

export interface ReceivedRequest {
  method: string;
  /** Raw, as in Node's `req.url`. */
  target: string;
  /** Node's `req.rawHeaders`, names and values by turns: there duplicates can be seen. */
  rawHeaders: string[];
  /** The raw bytes; null without a body. */
  body: Buffer | null;
}

export interface ReceivedSignature {
  keyId: string;
  alg: Algorithm;
  /** Unix seconds. */
  created: number;
  /** Unix seconds; a signature may end before the window does. */
  expires?: number;
  nonce: string;
  covered: string[];
  /** What the signature must fit, over the received bytes of the parameters. */
  base: string;
  signature: Buffer;
  /** Text of the header, `sig=(…)…`. */
  signatureInput: string;
}

/** Unix seconds, and seconds to either side. */
export interface SignatureWindow {
  now: number;
  windowSeconds: number;
}

/** Both headers together stay well within Node's 16 KiB of headers; no honest signature comes near. */
const HEADER_CHARACTERS = 4096;

/**
 * Reads the signature of a request and checks all that needs no key (protocol 3): form, coverage, the time window and the body's digest.
 * What is left to the caller: key, algorithm of the key, signature, nonce.
 * @param ofHeaders what {@link readSignatureOfHeaders} read in this method, target and headers, when it has already
 * @throws SignatureError signature_missing, signature_malformed, signature_incomplete, algorithm_not_allowed, clock_skew or digest_mismatch.
 */
export function readSignature(
  request: ReceivedRequest,
  at: SignatureWindow,
  ofHeaders?: ReceivedSignature,
): ReceivedSignature {
  const received = ofHeaders ?? parse(request);
  requireCoverage(received.covered, hasBody(request));
  assertInWindow(received, at);
  // After the window: an old request is not worth hashing a body for.
  if (received.covered.includes('content-digest')) {
    const digest = headerOf(messageOf(request), 'content-digest');
    if (!digestFits(digest, request.body ?? Buffer.alloc(0))) throw new SignatureError('digest_mismatch');
  }
  return received;
}

/**
 * The part of {@link readSignature} that needs no body: for a request of which only the headers have come.
 * @throws SignatureError as there, except digest_mismatch
 */
export function readSignatureOfHeaders(request: Omit<ReceivedRequest, 'body'>, at: SignatureWindow): ReceivedSignature {
  const received = parse({ ...request, body: null });
  assertInWindow(received, at);
  return received;
}

/**
 * The part of {@link readSignature} that looks neither at the clock nor at the body's bytes: to show the base of a request that was refused,
 * or to verify a request of which only the headers are known.
 * @throws SignatureError signature_missing, signature_malformed, signature_incomplete or algorithm_not_allowed.
 */
export function parseSignature(request: ReceivedRequest): ReceivedSignature {
  return parse(request);
}

const hasBody = ({ body }: ReceivedRequest): boolean => (body?.length ?? 0) > 0;

const messageOf = ({ method, target, rawHeaders }: Omit<ReceivedRequest, 'body'>): Message => ({
  method,
  target,
  headers: headersOf(rawHeaders),
});

function parse(request: ReceivedRequest): ReceivedSignature {
  const message = messageOf(request);
  if (!message.headers.has('signature-input') || !message.headers.has('signature')) {
    throw new SignatureError('signature_missing');
  }
  const signatureInput = headerOf(message, 'signature-input');
  const [components, parameters] = parseInput(signatureInput);
  const signature = parseBytes(headerOf(message, 'signature'));

  const covered = components.map(componentName);
  if (new Set(covered).size < covered.length) throw malformed('a component is covered twice');
  requireCoverage(covered, hasBody(request));

  const missing = ['created', 'nonce', 'keyid', 'alg'].filter((name) => !parameters.has(name));
  if (missing.length > 0) throw new SignatureError('signature_incomplete', { missing: missing.join(', ') });
  const created = parameters.get('created');
  const nonce = parameters.get('nonce');
  const keyId = parameters.get('keyid');
  const alg = parameters.get('alg');
  const expires = parameters.get('expires');
  if (!isInteger(created)) throw malformed('created is not whole Unix seconds');
  if (expires !== undefined && !isInteger(expires)) throw malformed('expires is not whole Unix seconds');
  if (typeof nonce !== 'string' || !NONCE.test(nonce)) {
    throw malformed('nonce is not 16–64 characters of A–Z a–z 0–9 _ - . ~ in quotes');
  }
  if (typeof keyId !== 'string' || !KEY_ID.test(keyId)) {
    throw malformed('keyid is not 1–255 characters of visible ASCII in quotes');
  }
  if (typeof alg !== 'string') throw malformed('alg is not in quotes');
  if (!isAlgorithm(alg)) {
    throw new SignatureError('algorithm_not_allowed', {
      alg: alg.slice(0, 40),
      allowed: signatureAlgorithmNames.join(', '),
    });
  }
  const base = baseOf(message, covered, signatureInput.slice('sig='.length));
  const ends = expires === undefined ? {} : { expires };
  return { keyId, alg, created, ...ends, nonce, covered, base, signature, signatureInput };
}

function assertInWindow({ created, expires }: ReceivedSignature, { now, windowSeconds }: SignatureWindow): void {
  const expired = expires !== undefined && now > expires;
  if (Math.abs(now - created) <= windowSeconds && !expired) return;
  throw new SignatureError('clock_skew', { window: windowSeconds, serverTime: new Date(now * 1000).toISOString() });
}

function headersOf(rawHeaders: string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase();
    const values = headers.get(name);
    if (values) values.push(rawHeaders[i + 1]);
    else headers.set(name, [rawHeaders[i + 1]]);
  }
  return headers;
}

/** The verified text is the received one; that it serialises to itself shows that reader and signer mean the same by it. */
function parseInput(header: string): InnerList {
  const member = parseOne('Signature-Input', header);
  if (!isInnerList(member)) throw malformed('Signature-Input is not sig=("@method" …);created=…');
  if (`sig=${serialized(() => serializeInnerList(member))}` !== header) {
    throw malformed('Signature-Input is not in its canonical form (RFC 8941 4.1)');
  }
  return member;
}

/** Base64 has many texts for the same bytes; only the canonical one is taken, so that a signature has one form. */
function parseBytes(header: string): Buffer {
  const member = parseOne('Signature', header);
  if (isInnerList(member) || !(member[0] instanceof ArrayBuffer) || member[1].size > 0) {
    throw malformed('Signature is not sig=:<base64>:');
  }
  if (serialized(() => serializeDictionary(new Map([['sig', member]]))) !== header) {
    throw malformed('Signature is not canonical standard base64 with padding');
  }
  return Buffer.from(member[0]);
}

function parseOne(name: string, header: string): Item | InnerList {
  if (header.length > HEADER_CHARACTERS) throw malformed(`${name} is longer than ${HEADER_CHARACTERS} characters`);
  let members;
  try {
    members = parseDictionary(header);
  } catch {
    throw malformed(`${name} is not a structured dictionary (RFC 8941)`);
  }
  const member = members.get('sig');
  if (members.size !== 1 || !member) throw malformed(`${name} must have the one label sig`);
  return member;
}

function serialized(serialize: () => string): string {
  try {
    return serialize();
  } catch {
    throw malformed('a value has no canonical form (RFC 8941 4.1)');
  }
}

function componentName([name, parameters]: Item): string {
  if (typeof name !== 'string') throw malformed('a covered component is not in quotes');
  if (parameters.size > 0) throw malformed('parameters of a covered component (;sf, ;req, …) are not taken');
  return name;
}

function requireCoverage(covered: string[], hasBody: boolean): void {
  const required = requiredComponents(hasBody);
  const missing = required.filter((name) => !covered.includes(name));
  if (missing.length > 0) throw new SignatureError('signature_incomplete', { missing: missing.join(', ') });
  if (required.some((name, index) => covered[index] !== name)) {
    throw new SignatureError('signature_incomplete', { missing: `the order ${required.join(' ')}` });
  }
}

const isInnerList = (member: Item | InnerList): member is InnerList => Array.isArray(member[0]);
const isInteger = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value);
