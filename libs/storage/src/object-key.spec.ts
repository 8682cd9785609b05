import fc from 'fast-check';
import { join, resolve } from 'node:path';
import { checkPart, objectKey, packetPrefix, pieceSizes, splitKey } from './object-key';
import { partSizeOf } from './storage';

describe('keys', () => {
  it('are never the same twice, and lie under the prefix of their packet', () => {
    const keys = Array.from({ length: 1000 }, () => objectKey('0199-a', 7));
    expect(new Set(keys).size).toBe(1000);
    expect(keys.every((key) => key.startsWith(packetPrefix('0199-a')))).toBe(true);
    expect(splitKey(keys[0])).toEqual({ packetId: '0199-a', name: keys[0].split('/')[2] });
  });

  it('that pass the check cannot leave their folder (A24)', () => {
    const pieces = fc.constantFrom('packets', '..', '.', '/', '\\', '%2e%2e', '\0', '\n', 'a', `0-${'0'.repeat(32)}`);
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 6 }), (parts) => {
        const key = parts.join('');
        let passed = true;
        try {
          splitKey(key);
        } catch {
          passed = false;
        }
        if (passed) expect(resolve(join('/root', key))).toBe(`/root/${key}`);
      }),
    );
  });

  it.each([
    ['a negative size', { size: -1 }],
    ['half a byte', { size: 0.5 }],
    ['a digest in hex', { sha256: '0'.repeat(64) }],
    ['a line break in the media type', { mediaType: 'text/plain\r\nx: y' }],
    ['no media type', { mediaType: '' }],
  ])('of a part with %s are not signed', (_what, change) => {
    const part = { key: objectKey('a', 0), size: 1, sha256: `${'A'.repeat(43)}=`, mediaType: 'text/plain' };
    expect(() => checkPart(part)).not.toThrow();
    expect(() => checkPart({ ...part, ...change })).toThrow(/^Not a/);
  });
});

describe('pieces', () => {
  it('add up to the part, at most a thousand, all but the last of the same size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 * 1024 ** 3 }), (size) => {
        const partSize = partSizeOf(size);
        const sizes = pieceSizes(size, partSize);
        expect(sizes.length).toBeLessThanOrEqual(1000);
        expect(sizes.length).toBeGreaterThan(0);
        expect(sizes.reduce((sum, piece) => sum + piece, 0)).toBe(size);
        expect(new Set(sizes.slice(0, -1))).toEqual(new Set(sizes.length > 1 ? [partSize] : []));
      }),
    );
  });
});
