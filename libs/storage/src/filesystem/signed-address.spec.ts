import { objectKey } from '../object-key';
import { type Permission, SignedAddresses } from './signed-address';

const key = objectKey('a', 0);
const sha256 = `${'A'.repeat(43)}=`;
const permissions: Permission[] = [
  { operation: 'put', key, size: 3, sha256, mediaType: 'text/plain; charset="utf-8"' },
  { operation: 'piece', key, uploadId: 'f'.repeat(32), partNumber: 2, size: 3 },
  { operation: 'get', key, size: 3, sha256, mediaType: 'a/b', fileName: 'Công văn & phụ lục=1?.pdf' },
];

const targetOf = (url: string) => url.slice('https://exchange.example'.length);
const methodOf = ({ operation }: Permission) => (operation === 'get' ? 'GET' : 'PUT');
const bytes = (text: string) => Buffer.from(text, 'base64url').toString('hex');

describe('signed addresses', () => {
  const addresses = new SignedAddresses('https://exchange.example/', 's'.repeat(32), Date.now);
  const refused = expect.objectContaining({ code: 'upload_refused' });

  it.each(permissions)('for $operation allow what was signed', (permission) => {
    const target = targetOf(addresses.sign(permission, 60));
    expect(addresses.verify(methodOf(permission), target)).toMatchObject(permission);
  });

  it.each(permissions)('for $operation are refused with any character changed', (permission) => {
    const target = targetOf(addresses.sign(permission, 60));
    for (let index = 0; index < target.length; index++) {
      const other = target[index] === 'z' ? 'y' : 'z';
      const changed = target.slice(0, index) + other + target.slice(index + 1);
      // The last character of the signature holds two bits that mean nothing.
      const same = new URLSearchParams(changed.split('?')[1]).get('signature') ?? '';
      if (bytes(same) === bytes(target.split('signature=')[1]) && index >= target.indexOf('signature=')) continue;
      expect(() => addresses.verify(methodOf(permission), changed)).toThrow(refused);
    }
  });

  it('are refused with something added, taken away, given twice, or under another secret', () => {
    const target = targetOf(addresses.sign(permissions[0], 60));
    for (const change of [
      `${target}&size=9`,
      `${target}&x=1`,
      target.replace('&size=3', ''),
      target.split('?')[0],
      '/',
      '',
    ])
      expect(() => addresses.verify('PUT', change)).toThrow(refused);
    const others = new SignedAddresses('https://exchange.example', 't'.repeat(32), Date.now);
    expect(() => others.verify('PUT', target)).toThrow(refused);
  });

  it('are refused for another method and from the second of their expiry on', () => {
    const target = targetOf(addresses.sign(permissions[2], 60));
    for (const method of ['PUT', 'POST', 'DELETE', 'get', ''])
      expect(() => addresses.verify(method, target)).toThrow(refused);
    expect(addresses.verify('HEAD', target)).toMatchObject(permissions[2]);
    const expired = targetOf(addresses.sign(permissions[2], 0));
    expect(() => addresses.verify('GET', expired)).toThrow(refused);
  });
});
