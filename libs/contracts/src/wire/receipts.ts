import type { Part } from './packet';

export const RECEIPT_EVENTS = [
  'packet.accepted',
  'packet.refused',
  'packet.recalled',
  'packet.expired',
  'delivery.ready',
  'delivery.accepted',
  'delivery.rejected',
  'delivery.undeliverable',
  'delivery.recalled',
  'packet.purged',
] as const;
export type ReceiptEvent = (typeof RECEIPT_EVENTS)[number];

/** Claims of a receipt, a compact JWS (protocol 8). `prev`: base64url SHA-256 of the packet's previous receipt, null on the first. */
export interface ReceiptClaims {
  iss: string;
  jti: string;
  iat: number;
  packetId: string;
  event: ReceiptEvent;
  from: string;
  to: string[];
  parts: Pick<Part, 'name' | 'size' | 'sha256'>[];
  prev: string | null;
  deliveryId?: string;
  /** The destination's own request. Signed with RSA it is whole, so that anybody can verify it: see `proof`. */
  request?: {
    method: string;
    /** As it was sent: path and, if any, `?query`. */
    path: string;
    signatureInput: string;
    signature: string;
    contentDigest?: string;
    alg: string;
    keyId: string;
    /** RSA only: values of headers that the signature covers beyond the content digest; `host` for `@authority`. */
    headers?: Record<string, string>;
    /** RSA only: the key that it verifies with. */
    publicKey?: { kty: string; n: string; e: string };
    /** RSA only: the body, standard base64; absent where there was none, or where it confirmed other packets too. */
    body?: string;
  };
  proof?: Proof;
  detail?: Record<string, unknown>;
}

/** Who can have made the request in a receipt, for whoever reads it years later. */
export interface Proof {
  by: ProofKind;
  statement: { vi: string; en: string };
}

/**
 * `privateKey`: only the destination can have made it (non-repudiation). `privateKeyDigest`: the same, but of a body that is not here. `sharedSecret`:
 * the platform knows the secret too (RFC 9421 7.3.3: no proof of origin to others). `nothing`: a bearer token was shown.
 */
export type ProofKind = 'privateKey' | 'privateKeyDigest' | 'sharedSecret' | 'nothing';

export const PROOFS: Record<ProofKind, Proof['statement']> = {
  privateKey: {
    vi: 'Nơi nhận đã ký yêu cầu này bằng khóa riêng của mình; nền tảng không giữ khóa đó nên không thể tự tạo ra chữ ký. Ai cũng kiểm tra lại được bằng khóa công khai kèm theo; khóa đó thuộc hệ thống nào là theo sổ đăng ký của nền tảng.',
    en: 'The destination signed this request with its private key, which the platform does not have and so cannot have used. Anybody can verify it with the public key given here; whose key that is, the registry of the platform says.',
  },
  privateKeyDigest: {
    vi: 'Nơi nhận đã ký bằng khóa riêng của mình, nhưng nội dung yêu cầu xác nhận cả các gói tin khác nên không kèm theo đây: chữ ký chứng minh nơi nhận đã gửi yêu cầu có mã băm này; yêu cầu nói gì là theo lời nền tảng, cho đến khi có nội dung khớp mã băm.',
    en: 'The destination signed with its private key, but the body confirms other packets too and is not here: the signature proves that the destination sent a body with this digest; what it said is the word of the platform, until a body that fits the digest is shown.',
  },
  sharedSecret: {
    vi: 'Yêu cầu được ký bằng khóa bí mật mà nền tảng cũng biết (HMAC): hai bên có thể đối chiếu với nhau, nhưng không chứng minh được với bên thứ ba, vì nền tảng cũng có thể tạo ra chữ ký này.',
    en: 'Signed with a secret that the platform knows too (HMAC): the two sides can check it between them, but it proves nothing to a third party, for the platform could have made it.',
  },
  nothing: {
    vi: 'Nơi nhận dùng mã truy cập (bearer) và không ký yêu cầu: đây chỉ là lời của nền tảng.',
    en: 'The destination showed a bearer token and signed nothing: this is the word of the platform alone.',
  },
};

export interface ReceiptBundle {
  packetId: string;
  receipts: { event: ReceiptEvent; at: string; deliveryId?: string; jws: string }[];
}
