import { searchPatterns, searchText } from './search-text';

describe('search text', () => {
  it('has neither case nor Vietnamese accents, composed or not', () => {
    expect(searchText('H01.14', 'Sở Nội vụ TỈNH Đắk Lắk')).toBe('h01.14 so noi vu tinh dak lak');
    expect(searchText('Sở Nội vụ'.normalize('NFD'))).toBe(searchText('Sở Nội vụ'.normalize('NFC')));
    expect(searchText('ưỡẩậđ Ư Đ')).toBe('uoaad u d');
  });

  it('searches for every word of the query and takes % and _ as they are', () => {
    expect(searchPatterns('  Nội   vụ ')).toEqual(['%noi%', '%vu%']);
    expect(searchPatterns('100%_\\')).toEqual(['%100\\%\\_\\\\%']);
    expect(searchPatterns('a '.repeat(20))).toHaveLength(8);
    expect(searchPatterns(' ')).toEqual([]);
  });
});
