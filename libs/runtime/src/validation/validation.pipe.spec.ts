import { DATA_TYPE, LienThongError } from '@lienthong/contracts';
import { Body, Controller, Get, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import * as classValidator from 'class-validator';
import { type Started, startApp } from '../boot.fixture';
import { IsTime, NoFields } from './field-rules';
import { RULE_TEXTS } from './rule-texts';
import { validationFailed } from './validation.pipe';

class PartDto {
  @IsString() @MaxLength(255) name!: string;
  @IsInt() @Min(0) @Max(100) size!: number;
}
class PolicyDto {
  @IsOptional() @IsTime() deliverBy?: string;
  @IsOptional() @IsBoolean() allowPartial?: boolean;
}
class SendDto {
  @IsArray() @ArrayNotEmpty() @ArrayMaxSize(2) @IsString({ each: true }) to!: string[];
  @IsString() @MaxLength(5) title!: string;
  @IsOptional() @IsIn(['normal', 'urgent']) priority?: string;
  @Matches(DATA_TYPE, { context: { vi: 'Phải là mã loại dữ liệu.', en: 'Must be a data type.' } }) dataType!: string;
  @IsOptional() @Matches(/^a\/b$/) form?: string;
  @ValidateNested({ each: true }) @Type(() => PartDto) @IsArray() parts!: PartDto[];
  @IsOptional() @ValidateNested() @Type(() => PolicyDto) policy?: PolicyDto;
  @IsOptional() @IsUUID() inReplyTo?: string | null;
  @IsOptional() @IsObject() headers?: object;
}
class ListQuery {
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(500) limit = 50;
}
class PacketPath {
  @IsUUID() packetId!: string;
}

@Controller()
class SendController {
  @Post('send')
  send(@Body() body: SendDto) {
    return { isDto: body instanceof SendDto, isPart: body.parts.every((part) => part instanceof PartDto), body };
  }
  @Post('change')
  change(@Body() _body: PolicyDto) {
    return { changed: true };
  }
  @Put('policy')
  set(@Body() _body: PolicyDto) {
    return { changed: true };
  }
  @Patch('policy')
  alter(@Body() _body: PolicyDto) {
    return { changed: true };
  }
  @Post('go')
  go(@Body(NoFields) _body: unknown) {
    return { gone: true };
  }
  @Get('list')
  list(@Query() query: ListQuery) {
    return query;
  }
  @Get('packets/:packetId')
  one(@Param() path: PacketPath) {
    return path;
  }
}

const valid = { to: ['H01.14'], title: 'a', dataType: 'edoc', parts: [{ name: 'a.pdf', size: 1 }] };

describe('StrictValidationPipe', () => {
  let running: Started;
  beforeAll(async () => {
    running = await startApp([SendController]);
  });
  afterAll(() => running.close());

  const ask = async (path: string, init: RequestInit = {}, language = 'en') => {
    const headers = { 'content-type': 'application/json', 'accept-language': language };
    const answer = await fetch(`${running.url}${path}`, { ...init, headers });
    return (await answer.json()) as {
      code?: string;
      detail?: string;
      errors?: { pointer: string; code: string; message: string }[];
    };
  };
  const send = (body: unknown, language?: string) =>
    ask('/send', { method: 'POST', body: JSON.stringify(body) }, language);
  const broken = async (change: object) =>
    (await send({ ...valid, ...change })).errors?.map(({ pointer, code, message }) => `${pointer} ${code}: ${message}`);

  it('gives the handler instances of the DTO, converted nowhere', async () => {
    expect(await send(valid)).toEqual({ isDto: true, isPart: true, body: valid });
    expect(await broken({ title: 5 })).toEqual(['/title is_string: Must be a text.']);
    expect(await broken({ parts: [{ name: 'a', size: '1' }] })).toEqual([
      '/parts/0/size is_int: Must be a whole number.',
    ]);
  });

  it.each([
    [{ title: '123456' }, '/title max_length: Must have 5 characters or fewer; shorten it.'],
    [{ to: [] }, '/to array_not_empty: The list must have at least one item.'],
    [
      { to: ['a', 'b', 'c'] },
      '/to array_max_size: The list must have 2 items or fewer; split it over several requests.',
    ],
    [{ to: [1] }, '/to is_string: Must be a text.'],
    [{ priority: 'now' }, '/priority is_in: Must be one of: normal, urgent.'],
    [{ dataType: 'E Doc' }, '/dataType matches: Must be a data type.'],
    [{ form: 'x' }, '/form matches: Has the wrong form; it must match /^a\\/b$/.'],
    [{ parts: 'none' }, '/parts is_array: Must be a list (JSON array).'],
    [{ parts: [{ name: 'a', size: 101 }] }, '/parts/0/size max: Must be 100 or less.'],
    [{ parts: [valid.parts[0], { name: 'a' }] }, '/parts/1/size required: Is required; add it.'],
    [{ policy: { allowPartial: 'yes' } }, '/policy/allowPartial is_boolean: Must be true or false.'],
    [{ policy: 'fast' }, '/policy is_object: Must be a JSON object, or a list of them.'],
    [{ inReplyTo: 'x' }, '/inReplyTo is_uuid: Must be a UUID, such as 0198f1c2-7d3e-7a10-8b8e-3f0d8a1c2b4d.'],
    [{ headers: 'x' }, '/headers is_object: Must be a JSON object.'],
    [{ title: undefined }, '/title required: Is required; add it.'],
    [{ 'a/b~c': 1 }, '/a~1b~0c unknown_field: This field is not part of the protocol; remove it or correct its name.'],
    [
      { parts: [{ ...valid.parts[0], extra: 1 }] },
      '/parts/0/extra unknown_field: This field is not part of the protocol; remove it or correct its name.',
    ],
  ])('says of %j: %s', async (change, expected) => {
    expect(await broken(change)).toEqual([expected]);
  });

  // Each of them PostgreSQL answers with an error of its own.
  it.each(['2026-12-21T06:30:42+22:35', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59-14:00', '2026-02-29T00:00:00Z'])(
    'takes %s for no time',
    async (deliverBy) => {
      expect(await broken({ policy: { deliverBy } })).toEqual([
        expect.stringMatching(/^\/policy\/deliverBy is_rfc3339: /),
      ]);
    },
  );

  it('names every broken field, in the language of the request', async () => {
    const answer = await send({ to: [], title: '123456', dataType: 'edoc', parts: [] }, 'vi');
    expect(answer).toMatchObject({ code: 'validation_failed', detail: expect.stringContaining('Có 2 trường') });
    expect(answer.errors).toEqual([
      { pointer: '/to', code: 'array_not_empty', message: 'Danh sách phải có ít nhất một mục.' },
      {
        pointer: '/title',
        code: 'max_length',
        message: 'Không được dài quá 5 ký tự; hãy rút ngắn.',
        limit: 5,
        actual: 6,
      },
    ]);
  });

  it('points into the query and the path with their own signs', async () => {
    expect(await ask('/list?limit=7')).toEqual({ limit: 7 });
    expect((await ask('/list?limit=501')).errors).toEqual([
      { pointer: '?limit', code: 'max', message: 'Must be 500 or less.', limit: 500, actual: 501 },
    ]);
    expect((await ask('/list?limt=5')).errors?.[0]).toMatchObject({ pointer: '?limt', code: 'unknown_field' });
    expect((await ask('/packets/7')).errors?.[0]).toMatchObject({ pointer: '{packetId}', code: 'is_uuid' });
  });

  it.each([[[]], [[valid]], [[[]]]])('refuses the list %j where an object is expected', async (body) => {
    for (const path of ['/send', '/change', '/go']) {
      const { errors } = await ask(path, { method: 'POST', body: JSON.stringify(body) });
      expect(errors).toEqual([{ pointer: '', code: 'is_object', message: 'Must be a JSON object.' }]);
    }
  });

  it.each(['a\u0000b', '\ud800', 'a\udfffb'])(
    'refuses %j in whatever field, for no store can keep it',
    async (text) => {
      const told = 'is_text: Has a NUL or half of a Unicode surrogate pair; remove it.';
      expect(await broken({ parts: [{ name: text, size: 1 }] })).toEqual([`/parts/0/name ${told}`]);
      expect(await broken({ headers: { x: [text] } })).toEqual([`/headers/x/0 ${told}`]);
      expect((await ask('/list?limit=%00')).errors?.[0]).toMatchObject({ pointer: '?limit', code: 'is_text' });
      expect(await broken({ title: '🇻🇳' })).toBeUndefined();
    },
  );

  it.each([
    ['2026-11-20T08:30:00Z', true],
    ['2026-11-20T08:30:00.123+07:00', true],
    ['2026-11-20', false],
    ['2026-W47-5', false],
    ['2026-325', false],
    ['2026-02-30T00:00:00Z', false],
    ['2026-11-20T08:30:00', false],
    ['2026-11-20T23:59:60Z', false],
  ])('takes %s as a time: %s', async (deliverBy, taken) => {
    expect((await broken({ policy: { deliverBy } })) === undefined).toBe(taken);
  });

  it('refuses every field where nothing is asked for', async () => {
    const go = (body?: string) => ask('/go', { method: 'POST', body });
    expect(await go()).toEqual({ gone: true });
    expect(await go('{}')).toEqual({ gone: true });
    expect((await go('{"a/b":1}')).errors).toMatchObject([{ pointer: '/a~1b', code: 'unknown_field' }]);
  });

  it('takes no PUT or PATCH without a body, even where every field may be left out; an empty one is said on purpose', async () => {
    for (const method of ['PUT', 'PATCH']) {
      expect((await ask('/policy', { method })).errors).toEqual([
        { pointer: '', code: 'is_object', message: 'Must be a JSON object.' },
      ]);
      expect(await ask('/policy', { method, body: '{}' })).toEqual({ changed: true });
    }
  });

  it('counts all that is broken but lists a hundred at most', async () => {
    const answer = await send({ ...valid, parts: Array.from({ length: 150 }, () => ({ name: 'a', size: -1 })) });
    expect(answer.errors).toHaveLength(100);
    expect(answer.detail).toContain('150 field(s)');
  });

  it('has texts for the rules that have a class-validator name only', () => {
    const names = Object.keys(RULE_TEXTS);
    const known = new Set(Object.values(classValidator).filter((value): value is string => typeof value === 'string'));
    const own = ['isInt', 'nestedValidation', 'whitelistValidation', 'unknownValue', 'isDefined'];
    expect(names.filter((name) => !known.has(name) && !own.includes(name))).toEqual([]);
  });
});

describe('validationFailed', () => {
  it('makes the same error for rules that no decorator can express', () => {
    const message = { vi: 'v', en: 'e' };
    const error = validationFailed([{ pointer: '/a', code: 'too_late', message }]);
    expect(error).toBeInstanceOf(LienThongError);
    expect(error.params).toEqual({ count: 1 });
  });
});
