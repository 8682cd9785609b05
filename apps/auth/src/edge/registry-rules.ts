import { DATA_TYPE, EMAIL_ADDRESS, isAgencyCode, isSystemId, type Language, VIETNAM } from '@lienthong/contracts';
import { applyDecorators } from '@nestjs/common';
import { Length, Matches, ValidateBy, ValidateIf, type ValidationOptions } from 'class-validator';

/** No control characters, and not blanks only: names are shown and logged, and PostgreSQL takes no NUL. */
const VISIBLE = /^(?=.*\S)[^\p{Cc}\u2028\u2029]*$/u;

const ZONES = new Set([...Intl.supportedValuesOf('timeZone'), VIETNAM, 'UTC']);

const rule = (
  name: string,
  validate: (value: string, of: object) => boolean,
  texts: Record<Language, string>,
  options: ValidationOptions = {},
) =>
  ValidateBy(
    {
      name,
      // class-validator passes over the context of a rule that has no words of its own.
      validator: {
        validate: (value: unknown, at?: { object: object }) =>
          typeof value === 'string' && validate(value, at?.object ?? {}),
        defaultMessage: () => texts.en,
      },
    },
    { ...options, context: texts },
  );

/** May be left out, but is not null: `@IsOptional()` would let both pass. */
export const MayBeAbsent = () => ValidateIf((_object, value) => value !== undefined);

/** An agency's code in either form (protocol 2). */
export const IsAgencyCode = (options: ValidationOptions = {}) =>
  rule(
    'isAgencyCode',
    isAgencyCode,
    {
      vi: 'Phải là mã định danh, ví dụ H01.14 hoặc 000.00.14.H01.',
      en: 'Must be an agency code, such as H01.14 or 000.00.14.H01.',
    },
    options,
  );

export const IsSystemId = () =>
  rule('isSystemId', isSystemId, {
    vi: 'Phải là mã hệ thống, ví dụ H01.14/qlvb.',
    en: 'Must be a system id, such as H01.14/qlvb.',
  });

/** An agency's code, a system id or `*`. */
export const IsParty = () =>
  rule('isParty', (value) => value === '*' || isAgencyCode(value) || isSystemId(value), {
    vi: 'Phải là mã định danh, mã hệ thống hoặc *.',
    en: 'Must be an agency code, a system id or *.',
  });

/** @param each the property is a list of them @param anyToo `*` stands for every data type */
export const IsDataType = ({ each = false, anyToo = false } = {}) =>
  rule(
    'isDataType',
    (value) => (DATA_TYPE.test(value) && value.length <= 100) || (anyToo && value === '*'),
    {
      vi: `Phải là kiểu dữ liệu, ví dụ edxml.document${anyToo ? ', hoặc *' : ''}.`,
      en: `Must be a data type, such as edxml.document${anyToo ? ', or *' : ''}.`,
    },
    { each },
  );

export const IsEmailAddress = () =>
  rule('isEmailAddress', (value) => EMAIL_ADDRESS.test(value), {
    vi: 'Phải là một địa chỉ thư điện tử, ví dụ vanthu@soyte.example.vn.',
    en: 'Must be one e-mail address, such as registry@health.example.vn.',
  });

/** A date that exists, as `2026-11-20`. */
export const IsDate = ({ each = false } = {}) =>
  rule(
    'isDate',
    (value) => /^\d{4}-\d\d-\d\d$/.test(value) && new Date(value).toJSON()?.slice(0, 10) === value,
    { vi: 'Phải là ngày có thật, dạng 2026-11-20.', en: 'Must be a date that exists, such as 2026-11-20.' },
    { each },
  );

/** A time zone that this platform knows. */
export const IsTimeZone = () =>
  rule('isTimeZone', (value) => ZONES.has(value), {
    vi: `Phải là tên múi giờ IANA, ví dụ ${VIETNAM}.`,
    en: `Must be an IANA time zone, such as ${VIETNAM}.`,
  });

/** @param other a field of the same object @param order what of both is compared */
export const IsLaterThan = (other: string, order: (value: string) => string | number) =>
  rule(
    'isLaterThan',
    (value, of) => {
      const before = (of as Record<string, unknown>)[other];
      // Where the other is wrong itself, that is what is said.
      return typeof before !== 'string' || order(value) > order(before);
    },
    { vi: `Phải sau ${other}.`, en: `Must be later than ${other}.` },
  );

export const IsName = (maxLength = 500) =>
  applyDecorators(
    Length(1, maxLength),
    Matches(VISIBLE, {
      context: { vi: 'Không được có ký tự điều khiển.', en: 'Must not have control characters.' },
    }),
  );
