import { deriveKey, open, seal } from './sealed-box';

describe('sealed box', () => {
  const key = deriveKey('a secret', 'test');

  it('opens with the key and the context it was sealed with', () => {
    expect(open(key, seal(key, Buffer.from('hàng mật'), 'row 1'), 'row 1').toString()).toBe('hàng mật');
  });

  it('seals the same text differently each time', () => {
    expect(seal(key, Buffer.from('x'), '').equals(seal(key, Buffer.from('x'), ''))).toBe(false);
  });

  it('does not open under another key, in another row, or with one bit changed', () => {
    const box = seal(key, Buffer.from('x'), 'row 1');
    expect(() => open(deriveKey('a secret', 'other'), box, 'row 1')).toThrow();
    expect(() => open(key, box, 'row 2')).toThrow();
    for (let at = 0; at < box.length; at++) {
      const changed = Buffer.from(box);
      changed[at] ^= 1;
      expect(() => open(key, changed, 'row 1')).toThrow();
    }
    expect(() => open(key, box.subarray(0, 10), 'row 1')).toThrow();
  });
});
