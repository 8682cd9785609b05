import type { Language } from '@lienthong/contracts';

type Text = Record<Language, string>;
const text = (vi: string, en: string): Text => ({ vi, en });

/**
 * The rules of class-validator in both languages, by constraint name. `{1}` `{2}` are the arguments of the decorator (`@MaxLength(500)`: `{1}` = 500).
 * A rule with words of its own gives them in the decorator: `@Matches(SLUG, { context: { vi: '…', en: '…' } })`.
 */
export const RULE_TEXTS: Record<string, Text> = {
  isString: text('Phải là chuỗi ký tự.', 'Must be a text.'),
  isInt: text('Phải là số nguyên.', 'Must be a whole number.'),
  isNumber: text('Phải là số.', 'Must be a number.'),
  isPositive: text('Phải lớn hơn 0.', 'Must be greater than 0.'),
  isBoolean: text('Phải là true hoặc false.', 'Must be true or false.'),
  isBooleanString: text('Phải là true hoặc false.', 'Must be true or false.'),
  isNumberString: text('Chỉ gồm chữ số.', 'Must be digits only.'),
  isObject: text('Phải là một đối tượng JSON.', 'Must be a JSON object.'),
  isNotEmptyObject: text('Phải là một đối tượng JSON không rỗng.', 'Must be a JSON object that is not empty.'),
  isArray: text('Phải là một danh sách (mảng JSON).', 'Must be a list (JSON array).'),
  isDefined: text('Bắt buộc phải có; hãy bổ sung.', 'Is required; add it.'),
  isNotEmpty: text('Không được để trống.', 'Must not be empty.'),
  min: text('Phải từ {1} trở lên.', 'Must be {1} or more.'),
  max: text('Không được quá {1}.', 'Must be {1} or less.'),
  minLength: text('Phải có ít nhất {1} ký tự.', 'Must have {1} characters or more.'),
  maxLength: text('Không được dài quá {1} ký tự; hãy rút ngắn.', 'Must have {1} characters or fewer; shorten it.'),
  isLength: text('Phải dài từ {1} đến {2} ký tự.', 'Must have {1} to {2} characters.'),
  isByteLength: text('Phải dài từ {1} đến {2} byte.', 'Must have {1} to {2} bytes.'),
  matches: text('Sai định dạng; phải theo mẫu {1}.', 'Has the wrong form; it must match {1}.'),
  isIn: text('Phải là một trong: {1}.', 'Must be one of: {1}.'),
  isNotIn: text('Không được là: {1}.', 'Must not be one of: {1}.'),
  isEnum: text('Phải là một trong: {2}.', 'Must be one of: {2}.'),
  equals: text('Phải bằng {1}.', 'Must be {1}.'),
  arrayNotEmpty: text('Danh sách phải có ít nhất một mục.', 'The list must have at least one item.'),
  arrayMinSize: text('Danh sách phải có ít nhất {1} mục.', 'The list must have {1} items or more.'),
  arrayMaxSize: text(
    'Danh sách không được quá {1} mục; hãy chia thành nhiều yêu cầu.',
    'The list must have {1} items or fewer; split it over several requests.',
  ),
  arrayUnique: text(
    'Danh sách có mục trùng nhau; hãy bỏ mục trùng.',
    'The list has equal items; remove the duplicates.',
  ),
  isUuid: text(
    'Phải là UUID, ví dụ 0198f1c2-7d3e-7a10-8b8e-3f0d8a1c2b4d.',
    'Must be a UUID, such as 0198f1c2-7d3e-7a10-8b8e-3f0d8a1c2b4d.',
  ),
  isIso8601: text(
    'Phải là thời điểm RFC 3339 UTC, ví dụ 2026-11-20T08:30:00.000Z.',
    'Must be an RFC 3339 time in UTC, such as 2026-11-20T08:30:00.000Z.',
  ),
  isRFC3339: text(
    'Phải là thời điểm RFC 3339 UTC, ví dụ 2026-11-20T08:30:00.000Z.',
    'Must be an RFC 3339 time in UTC, such as 2026-11-20T08:30:00.000Z.',
  ),
  isDateString: text(
    'Phải là thời điểm RFC 3339 UTC, ví dụ 2026-11-20T08:30:00.000Z.',
    'Must be an RFC 3339 time in UTC, such as 2026-11-20T08:30:00.000Z.',
  ),
  isBase64: text('Phải là base64 chuẩn, có ký tự đệm =.', 'Must be standard base64 with padding.'),
  isUrl: text(
    'Phải là một địa chỉ đầy đủ, ví dụ https://example.gov.vn/nhan.',
    'Must be a full address, such as https://example.gov.vn/inbox.',
  ),
  isEmail: text('Phải là địa chỉ thư điện tử.', 'Must be an e-mail address.'),
  isMimeType: text('Phải là kiểu nội dung, ví dụ application/pdf.', 'Must be a media type, such as application/pdf.'),
  isAscii: text('Chỉ gồm ký tự ASCII.', 'Must be ASCII only.'),
  nestedValidation: text(
    'Phải là đối tượng JSON, hoặc danh sách các đối tượng.',
    'Must be a JSON object, or a list of them.',
  ),
  whitelistValidation: text(
    'Trường này không có trong giao thức; hãy bỏ đi hoặc sửa tên.',
    'This field is not part of the protocol; remove it or correct its name.',
  ),
  unknownValue: text('Phải là một đối tượng JSON.', 'Must be a JSON object.'),
};

const UNUSABLE = text(
  'Có ký tự NUL hoặc nửa cặp thay thế Unicode; hãy bỏ đi.',
  'Has a NUL or half of a Unicode surrogate pair; remove it.',
);
const REQUIRED = text('Bắt buộc phải có; hãy bổ sung.', 'Is required; add it.');

/**
 * @param constraint class-validator's name of it
 * @param parameters the arguments of the decorator
 * @param fallback class-validator's own (English) words, for rules that have no text here
 */
export function ruleText(constraint: string, parameters: readonly unknown[], fallback: string): Text {
  const texts = RULE_TEXTS[constraint];
  if (!texts) return text(fallback, fallback);
  const fill = (words: string) =>
    words.replace(/\{(\d)\}/g, (_, index: string) => shown(parameters[Number(index) - 1]));
  return { vi: fill(texts.vi), en: fill(texts.en) };
}

export const requiredText = (): Text => REQUIRED;
export const unusableText = (): Text => UNUSABLE;

function shown(parameter: unknown): string {
  if (Array.isArray(parameter)) return parameter.map(String).join(', ');
  if (parameter instanceof RegExp) return String(parameter);
  if (typeof parameter === 'object' && parameter !== null) return Object.values(parameter).map(String).join(', ');
  return String(parameter);
}

const CODES: Record<string, string> = {
  whitelistValidation: 'unknown_field',
  unknownValue: 'is_object',
  nestedValidation: 'is_object',
  isRFC3339: 'is_rfc3339',
};

/** The stable code of a rule on the wire: `maxLength` is `max_length`. */
export const ruleCode = (constraint: string): string =>
  CODES[constraint] ?? constraint.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
