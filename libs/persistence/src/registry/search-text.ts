/** What is searched and what is searched for, made alike: lower case, no Vietnamese accents (`Sở Nội vụ` → `so noi vu`, `đ` → `d`). */
export function searchText(...texts: string[]): string {
  return texts
    .join(' ')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll('đ', 'd')
    .replace(/\s+/g, ' ')
    .trim();
}

/** More words find no less precisely; each costs an index look-up. */
const WORDS = 8;

/** @returns a LIKE pattern for each word of the query: all must occur, in any order */
export function searchPatterns(query: string): string[] {
  const words = searchText(query).split(' ').filter(Boolean).slice(0, WORDS);
  return words.map((word) => `%${word.replace(/[\\%_]/g, '\\$&')}%`);
}
