import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { weaknessOf } from './rsa-key';

const file = join(__dirname, '../../../../docs/test-vectors/signatures.json');
const { keys, refusedKeys } = JSON.parse(readFileSync(file, 'utf8')) as {
  keys: Record<string, { publicKeyPem?: string }>;
  refusedKeys: Record<string, string>;
};

const crafted = (bits: number, exponent: string): string => {
  const n = Buffer.alloc(bits / 8, 0xff).toString('base64url');
  const e = Buffer.from(exponent, 'hex').toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
};

describe('an RSA public key', () => {
  const good = Object.values(keys).flatMap(({ publicKeyPem }) => publicKeyPem ?? []);

  it('of 2048 or 3072 bits is acceptable', () => {
    expect(good.map(weaknessOf)).toEqual([null, null, null]);
  });

  it.each([
    ['RSA of 1024 bits', '1024 bits, at least 2048'],
    ['RSA with exponent 3', 'exponent must be odd, at least 65537'],
    ['RSA restricted to PSS (id-RSASSA-PSS)', 'this is rsa-pss'],
    ['elliptic curve', 'this is ec'],
    ['Ed25519', 'this is ed25519'],
    ['private key', 'this is a private key'],
    ['not a key', 'does not hold a public key'],
  ])('is refused when it is: %s', (name, reason) => {
    expect(weaknessOf(refusedKeys[name])).toContain(reason);
  });

  it('is acceptable up to 8192 bits and with any odd exponent from 65537 to 64 bits', () => {
    expect(weaknessOf(crafted(8192, '010001'))).toBeNull();
    expect(weaknessOf(crafted(2048, 'ffffffffffffffff'))).toBeNull();
    expect(weaknessOf(crafted(8200, '010001'))).toContain('8200 bits, at most 8192');
    for (const exponent of ['03', 'ffff', '010000', '010002', '010000000000000001']) {
      expect(weaknessOf(crafted(2048, exponent))).toContain('exponent must be odd');
    }
  });

  it('is refused in any form but one SPKI block (A10)', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pkcs1 = publicKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    for (const text of [
      '',
      'ssh-rsa AAAA',
      pkcs1,
      `${good[0]}${good[1]}`,
      `x${good[0]}`,
      good[0].replace(/\n/g, '\0'),
    ]) {
      expect(weaknessOf(text)).toBe('not one PEM block of the form BEGIN PUBLIC KEY (SPKI)');
    }
  });

  it('may come with Windows line ends and blank lines around it', () => {
    expect(weaknessOf(`\r\n${good[0].replace(/\n/g, '\r\n')}\r\n`)).toBeNull();
  });
});
