/** Protocol 3. `hmac-sha1` is our own extension for old systems, off unless an administrator allowed it for that key. */
export const SIGNATURE_ALGORITHMS = ['hmac-sha256', 'rsa-pss-sha512', 'rsa-v1_5-sha256', 'hmac-sha1'] as const;
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number];
