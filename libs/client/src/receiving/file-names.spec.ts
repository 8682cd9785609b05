import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { distinctNames, numbered, placeFile, safeFileName } from './file-names';

describe('file names', () => {
  it.each([
    ['../../etc/passwd', '_.._etc_passwd'],
    ['..\\..\\boot.ini', '_.._boot.ini'],
    ['/etc/shadow', '_etc_shadow'],
    ['C:\\x.txt', 'C__x.txt'],
    ['.bashrc', 'bashrc'],
    ['..', 'file'],
    ['', 'file'],
    ['a\u0000b.pdf', 'a_b.pdf'],
    ['NUL', '_NUL'],
    ['com1.txt', '_com1.txt'],
    ['ends in dots. .', 'ends in dots'],
    ['gpj.\u202Etxe', 'gpj._txe'],
    ['Quyết định số 12/QĐ-UBND.pdf', 'Quyết định số 12_QĐ-UBND.pdf'],
  ])('makes %j the plain name %j', (given, expected) => {
    expect(safeFileName(given)).toBe(expected);
  });

  it('is one short plain name for any text, and stays the same when made safe again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        const safe = safeFileName(name);
        expect(basename(safe)).toBe(safe);
        expect(safe).not.toMatch(/^\.|[.\s]$|[\\/:*?"<>|]/);
        expect(Buffer.byteLength(safe)).toBeGreaterThan(0);
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(245);
        expect(safeFileName(safe)).toBe(safe);
      }),
    );
  });

  it('keeps the extension of a name that is too long', () => {
    expect(safeFileName(`${'ộ'.repeat(250)}.pdf`)).toMatch(/^ộ+\.pdf$/);
  });

  it('numbers before the extension and takes names that differ by case only as the same', () => {
    expect(numbered('văn bản.tar.gz', 3)).toBe('văn bản.tar (3).gz');
    expect(distinctNames(['a.pdf', 'A.PDF', 'a (2).pdf'])).toEqual(['a.pdf', 'A (2).PDF', 'a (2) (2).pdf']);
  });

  it('gives files that are placed under one name at the same time distinct names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lienthong-names-'));
    try {
      const sources = ['1', '2', '3', '4', '5'].map((name) => join(folder, `.${name}`));
      for (const source of sources) await writeFile(source, basename(source));
      const placed = await Promise.all(sources.map((source) => placeFile(source, folder, 'a.pdf')));
      expect(new Set(placed).size).toBe(5);
      const texts = await Promise.all(placed.map((path) => readFile(path, 'utf8')));
      expect(texts).toEqual(['.1', '.2', '.3', '.4', '.5']);
      expect(await readdir(folder)).toHaveLength(5);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
