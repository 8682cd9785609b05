/** Protocol 3: long enough not to repeat by chance, short enough to be stored, the unreserved characters of RFC 3986. */
export const NONCE = /^[A-Za-z0-9_.~-]{16,64}$/;

/** Access keys and session ids; the bound keeps look-ups small. */
export const KEY_ID = /^[\x21-\x7e]{1,255}$/;
