import type { KeyObject } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { LIMITS, LienThongError } from '@lienthong/contracts';
import type { NonceStore, SessionRecord } from '@lienthong/persistence';
import {
  readSignature,
  readSignatureOfHeaders,
  type ReceivedRequest,
  type ReceivedSignature,
  SignatureError,
  verifyAgainstNothing,
  verifySignature,
} from '@lienthong/signing';
import type { AccessKeyVerifier } from './access-keys/access-key-verifier';
import type { Caller } from './caller';
import type { KeyRing, RingKey } from './keys/key-ring';
import type { KeyUses } from './keys/key-uses';
import type { SessionKeys } from './keys/session-keys';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const WINDOW = LIMITS.signatureWindowSeconds;
/** A request is refused for its age after at most two windows (`created` may lie one ahead); the rest is for clocks of instances that differ. */
const NONCE_SECONDS = 2 * WINDOW + 60;

/** Of the event loop: one that ends under way, and a whole one, in which every socket is read. */
const TURNS = 2;

const FOR_ANOTHER = 'it covers authorization, so the request was made for the service of another system';

type Holder = Pick<Caller, 'accessKey' | 'systemId' | 'sessionId' | 'legacyUntil'>;
type Proven = Holder & { publicKey?: KeyObject };
/** What the headers of a request say, and whether it is true. */
interface Proof {
  of: Pick<ReceivedRequest, 'method' | 'target'>;
  signed: ReceivedSignature;
  proven: Promise<Proven>;
}

/** Finds out who signed a request (protocol 3). Used by the guard and by whoever has no Nest request, such as the WebSocket upgrade. */
export class Authenticator {
  /** What was proven by the headers of requests (the very array of them) whose bodies were still to come. */
  private readonly proofs = new WeakMap<string[], Proof>();

  constructor(
    private readonly ring: Pick<KeyRing, 'key' | 'session' | 'knows' | 'lookAgain'>,
    private readonly sessionKeys: Pick<SessionKeys, 'of'>,
    private readonly accessKeys: AccessKeyVerifier,
    private readonly nonces: Pick<NonceStore, 'isUsed' | 'use'>,
    private readonly uses: Pick<KeyUses, 'note'>,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * What is wrong with a key or session is told only to who proved to have it; a nonce is recorded only after that proof, so that nobody else can
   * fill the table.
   * @throws LienThongError one of the codes of protocol 3, `unavailable` when auth must be asked and does not answer
   */
  async authenticate(request: ReceivedRequest): Promise<Caller> {
    const proof = this.proofOf(request);
    const signed = this.read(() => readSignature(request, this.window(), proof?.signed));
    const { publicKey, ...holder } = await (proof ? this.stillProven(proof) : this.prove(signed));
    const { keyId, nonce, alg } = signed;
    const now = this.now();
    if (!(await this.nonces.use(keyId, nonce, new Date(now + NONCE_SECONDS * 1000))))
      throw new LienThongError('replayed_request');
    this.uses.note(holder.accessKey, alg, new Date(now));
    return {
      ...holder,
      keyId,
      alg,
      administrator: holder.systemId === null,
      request: requestOf(request, signed, publicKey),
      ...(publicKey && request.body ? { body: request.body } : {}),
    };
  }

  /**
   * Who signed a request of which the headers have come: all of {@link authenticate} but the body's digest, and nothing is recorded. A body that is waited for
   * is one of a first request: who has the headers of another's (receipts show them) must not keep it waiting with them. `authenticate` is then to be called with
   * the same array of headers.
   * @param isWhole whether the body has come too, or there is none
   * @throws LienThongError as there
   */
  async recognise(request: Omit<ReceivedRequest, 'body'>, isWhole: () => boolean): Promise<Holder> {
    const signed = this.read(() => readSignatureOfHeaders(request, this.window()));
    const { method, target, rawHeaders } = request;
    const proof = { of: { method, target }, signed, proven: this.prove(signed) };
    this.proofs.set(rawHeaders, proof);
    const proven = await proof.proven;
    // An honest body is there by now, or next in the socket.
    for (let turn = 0; turn < TURNS && !isWhole(); turn += 1) await setImmediate();
    if (!isWhole() && (await this.nonces.isUsed(signed.keyId, signed.nonce)))
      throw new LienThongError('replayed_request');
    return proven;
  }

  /**
   * For what lasts longer than a request (a stream): whether its holder would still be let in.
   * @throws LienThongError `key_revoked`, `key_expired` or `session_expired`
   */
  async assertStillValid(holder: Holder): Promise<void> {
    if (holder.sessionId) {
      const session = await this.ring.session(holder.sessionId);
      if (!session) throw new LienThongError('session_expired');
      this.refuseEndedSession(session);
    } else {
      const key = await this.ring.key(holder.accessKey);
      if (!key) throw new LienThongError('key_revoked');
      this.refuseEndedKey(key.revokedAt, key.suspendedAt, key.expiresAt);
    }
  }

  private window(): { now: number; windowSeconds: number } {
    return { now: Math.floor(this.now() / 1000), windowSeconds: WINDOW };
  }

  private read(reading: () => ReceivedSignature): ReceivedSignature {
    try {
      const signed = reading();
      // Signed for another system's own service, together with the access token (A3): that service must not be able to pass it on to the platform.
      if (signed.covered.includes('authorization'))
        throw new SignatureError('signature_malformed', { why: FOR_ANOTHER });
      return signed;
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      const { serverTime } = error.params;
      throw new LienThongError(error.code, error.params, serverTime === undefined ? {} : { serverTime });
    }
  }

  private prove(signed: ReceivedSignature): Promise<Proven> {
    return UUID.test(signed.keyId) ? this.ofSession(signed) : this.ofAccessKey(signed);
  }

  private proofOf({ method, target, rawHeaders }: ReceivedRequest): Proof | undefined {
    const proof = this.proofs.get(rawHeaders);
    return proof?.of.method === method && proof.of.target === target ? proof : undefined;
  }

  private async stillProven(proof: Proof): Promise<Proven> {
    const proven = await proof.proven;
    // It may have waited for its turn, and for its body, since.
    await this.assertStillValid(proven);
    return proven;
  }

  private async ofSession({ keyId, alg, base, signature }: ReceivedSignature): Promise<Holder> {
    const known = this.ring.knows('session', keyId);
    const session = await this.ring.session(keyId);
    if (!session) {
      // What a known one costs.
      await this.sessionKeys.of(keyId).catch(() => undefined);
      verifyAgainstNothing(alg, base, signature);
      throw new LienThongError('unknown_key');
    }
    if (alg !== 'hmac-sha256') throw notAllowed(alg, ['hmac-sha256']);
    if (!verifySignature(alg, { secret: await this.sessionKeys.of(keyId) }, base, signature)) {
      if (known) await this.ring.lookAgain('session', keyId);
      throw new LienThongError('signature_invalid');
    }
    this.refuseEndedSession(session);
    return { accessKey: session.accessKey, systemId: session.systemId, sessionId: keyId };
  }

  private async ofAccessKey({ keyId, alg, base, signature }: ReceivedSignature): Promise<Proven> {
    const known = this.ring.knows('key', keyId);
    const key = await this.ring.key(keyId);
    const allowed = key?.algorithms.filter((one) => one !== 'hmac-sha1' || this.isLegacy(key));
    if (allowed && !allowed.includes(alg)) throw notAllowed(alg, allowed);
    const valid = await this.verify(keyId, key, { alg, base, signature });
    if (!key) throw new LienThongError('unknown_key');
    if (!valid) {
      if (known) await this.ring.lookAgain('key', keyId);
      throw new LienThongError('signature_invalid');
    }
    this.refuseEndedKey(key.revokedAt, key.suspendedAt, key.expiresAt);
    return {
      accessKey: key.accessKey,
      systemId: key.systemId,
      ...(alg === 'hmac-sha1' && key.legacyUntil && { legacyUntil: key.legacyUntil }),
      ...(alg.startsWith('rsa-') && key.publicKey && { publicKey: key.publicKey }),
    };
  }

  /** hmac-sha1 only while the date stands to which an administrator allowed it. */
  private isLegacy({ legacyUntil }: RingKey): boolean {
    return legacyUntil !== null && legacyUntil.getTime() > this.now();
  }

  /** An unknown key goes the way of a known one, to auth too where it must be asked: its time tells nothing. */
  private async verify(
    accessKey: string,
    key: RingKey | undefined,
    { alg, base, signature }: Pick<ReceivedSignature, 'alg' | 'base' | 'signature'>,
  ): Promise<boolean> {
    if (alg === 'hmac-sha256' || alg === 'hmac-sha1') return this.accessKeys.verify(accessKey, alg, base, signature);
    if (!key?.publicKey) return verifyAgainstNothing(alg, base, signature);
    return verifySignature(alg, { publicKey: key.publicKey }, base, signature);
  }

  private refuseEndedSession(session: SessionRecord): void {
    this.refuseEndedKey(session.keyRevokedAt, session.suspendedAt, session.keyExpiresAt);
    if (session.endedAt || session.expiresAt.getTime() <= this.now()) throw new LienThongError('session_expired');
  }

  private refuseEndedKey(revokedAt: Date | null, suspendedAt: Date | null, expiresAt: Date | null): void {
    if (revokedAt || suspendedAt) throw new LienThongError('key_revoked');
    if (expiresAt && expiresAt.getTime() <= this.now())
      throw new LienThongError('key_expired', { expiresAt: expiresAt.toISOString() });
  }
}

const notAllowed = (alg: string, allowed: string[]): LienThongError =>
  new LienThongError('algorithm_not_allowed', { alg, allowed: allowed.join(', ') }, { allowed });

/** Signed with RSA: all that a third party needs to verify it again, but the body. */
function requestOf(request: ReceivedRequest, signed: ReceivedSignature, publicKey?: KeyObject): Caller['request'] {
  const header = (name: string) => {
    const at = request.rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
    return at < 0 ? undefined : request.rawHeaders[at + 1];
  };
  const contentDigest = header('content-digest');
  return {
    method: request.method,
    path: request.target,
    signatureInput: signed.signatureInput,
    signature: header('signature') ?? '',
    ...(contentDigest !== undefined && { contentDigest }),
    alg: signed.alg,
    keyId: signed.keyId,
    ...(publicKey && { ...coveredHeaders(signed.covered, header), publicKey: jwkOf(publicKey) }),
  };
}

/** Values of what is covered beyond the request line and the digest, which have members of their own. */
function coveredHeaders(covered: string[], header: (name: string) => string | undefined) {
  const names = covered
    .map((name) => (name === '@authority' ? 'host' : name))
    .filter((name) => !name.startsWith('@') && name !== 'content-digest');
  return names.length > 0 ? { headers: Object.fromEntries(names.map((name) => [name, header(name) ?? ''])) } : {};
}

function jwkOf(publicKey: KeyObject): { kty: string; n: string; e: string } {
  const { kty = '', n = '', e = '' } = publicKey.export({ format: 'jwk' });
  return { kty, n, e };
}
