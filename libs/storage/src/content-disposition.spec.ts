import fc from 'fast-check';
import { contentDisposition } from './content-disposition';

describe('contentDisposition', () => {
  it('names a Vietnamese file in full, and readably for clients that know only ASCII', () => {
    expect(contentDisposition('Quyết định số 20.pdf')).toBe(
      `attachment; filename="Quyet dinh so 20.pdf"; filename*=UTF-8''Quy%E1%BA%BFt%20%C4%91%E1%BB%8Bnh%20s%E1%BB%91%2020.pdf`,
    );
  });

  it('of any name is one header value of two parameters, without path, control or direction mark (A27)', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(anything, (name) => {
        const match = /^attachment; filename="([\x20-\x7e]*)"; filename\*=UTF-8''([\w.~!#$&+^`|%-]+)$/.exec(
          contentDisposition(name),
        );
        expect(match).not.toBeNull();
        expect(match![1]).not.toMatch(/["\\/]/);
        expect(decodeURIComponent(match![2])).not.toMatch(/[\p{Cc}\p{Cf}/\\]/u);
      }),
      { numRuns: 500 },
    );
  });
});
