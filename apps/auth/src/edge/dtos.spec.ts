import type { LienThongError } from '@lienthong/contracts';
import { StrictValidationPipe } from '@lienthong/runtime';
import type { Type } from '@nestjs/common';
import { AgencyChangeDto, NewAgencyDto } from '../manage-agencies/manage-agencies.dto';
import { NewGrantDto } from '../manage-grants/manage-grants.dto';
import { NewKeyDto } from '../manage-keys/manage-keys.dto';
import { ListSystemsDto, NewSystemDto } from '../manage-systems/manage-systems.dto';
import { SearchDirectoryDto } from '../read-directory/read-directory.dto';

const pipe = new StrictValidationPipe();

/** @returns pointer and code of each broken rule; none when the value passes */
async function broken(metatype: Type, value: unknown, type: 'body' | 'query' = 'body'): Promise<string[]> {
  try {
    await pipe.transform(value, { type, metatype });
    return [];
  } catch (error) {
    const { errors } = (error as LienThongError).members as {
      errors: { pointer: string; code: string; message: object }[];
    };
    for (const { message } of errors)
      expect(message).toMatchObject({ vi: expect.stringMatching(/\S/), en: expect.stringMatching(/\S/) });
    return errors.map(({ pointer, code }) => `${pointer} ${code}`);
  }
}

describe('what auth takes', () => {
  it('is an agency with its code in either form, a name, and what else it may have', async () => {
    const agency = {
      code: 'H01.14',
      name: 'Sở Nội vụ',
      parentCode: '000.00.00.H01',
      aliases: ['000.00.14.H01'],
      contact: { phone: '1' },
    };
    expect(await broken(NewAgencyDto, agency)).toEqual([]);
    expect(await broken(NewAgencyDto, { code: '000.00.14.H01', name: 'x' })).toEqual([]);
  });

  it('is no agency with a broken code, an invisible name, nulls, or fields that are not its own', async () => {
    expect(await broken(NewAgencyDto, {})).toEqual(['/code required', '/name required']);
    const bad = {
      code: 'h01',
      name: 'a\u0001b',
      parentCode: null,
      aliases: ['H01', 'x'],
      contact: { fax: '1' },
      dissolved: true,
    };
    expect((await broken(NewAgencyDto, bad)).toSorted()).toEqual([
      '/aliases is_agency_code',
      '/code is_agency_code',
      '/contact/fax unknown_field',
      '/dissolved unknown_field',
      '/name matches',
      '/parentCode is_agency_code',
    ]);
    expect(await broken(NewAgencyDto, { code: 'H01', name: '   ' })).toEqual(['/name matches']);
    expect(await broken(NewAgencyDto, { code: 'H01', name: 'x'.repeat(501) })).toEqual(['/name is_length']);
  });

  it('is a change that takes away a parent or successor by null, and nothing else', async () => {
    expect(await broken(AgencyChangeDto, { parentCode: null, successorCode: null, dissolved: false })).toEqual([]);
    expect(await broken(AgencyChangeDto, { name: null, aliases: null, dissolved: 'yes' })).toEqual([
      '/name is_length',
      '/name matches',
      '/aliases is_array',
      '/dissolved is_boolean',
    ]);
    expect(await broken(AgencyChangeDto, { code: 'H02' })).toEqual(['/code unknown_field']);
  });

  it('is a system with an id and data types', async () => {
    expect(
      await broken(NewSystemDto, { id: 'H01.14/qlvb', name: 'QLVB', receives: ['edxml.document', 'file'] }),
    ).toEqual([]);
    expect(await broken(NewSystemDto, { id: 'H01.14/QLVB', name: 'x', receives: ['*'] })).toEqual([
      '/id is_system_id',
      '/receives is_data_type',
    ]);
    expect(await broken(NewSystemDto, { id: 'H01.14', name: 'x', receives: 'file', default: 1 })).toEqual([
      '/id is_system_id',
      '/receives is_array',
      '/default is_boolean',
    ]);
  });

  it('is a grant between codes, systems and *, of data types or *', async () => {
    expect(await broken(NewGrantDto, { from: '*', to: 'H01.14/qlvb', dataTypes: ['*'] })).toEqual([]);
    expect(await broken(NewGrantDto, { from: '**', to: 'x', dataTypes: [] })).toEqual([
      '/from is_party',
      '/to is_party',
      '/dataTypes array_not_empty',
    ]);
  });

  it('is a key with algorithms of the protocol', async () => {
    expect(await broken(NewKeyDto, { algorithms: ['hmac-sha256'], expiresAt: '2030-01-01T00:00:00.000Z' })).toEqual([]);
    expect(await broken(NewKeyDto, { algorithms: ['none'], secretKey: 'mine' })).toEqual([
      '/secretKey unknown_field',
      '/algorithms is_in',
    ]);
    expect(await broken(NewKeyDto, { algorithms: ['hmac-sha256'], expiresAt: 'tomorrow' })).toEqual([
      '/expiresAt is_rfc3339',
    ]);
  });

  it('is a page of 1 to 500 items, 50 unless told', async () => {
    const read = (query: object) => pipe.transform(query, { type: 'query', metatype: ListSystemsDto });
    expect(await read({})).toMatchObject({ limit: 50 });
    expect(await read({ limit: '500' })).toMatchObject({ limit: 500 });
    for (const limit of ['0', '501', '', 'ten', '1.5'])
      expect(await broken(ListSystemsDto, { limit }, 'query')).not.toEqual([]);
    expect(await broken(ListSystemsDto, { offset: '1' }, 'query')).toEqual(['?offset unknown_field']);
    expect(await broken(SearchDirectoryDto, { q: 'a\u0001', dataType: 'X' }, 'query')).toEqual([
      '?q matches',
      '?dataType is_data_type',
    ]);
  });
});
