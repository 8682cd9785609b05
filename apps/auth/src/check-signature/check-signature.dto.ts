import type { SignatureCheck } from '@lienthong/contracts';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, Matches, MaxLength, ValidateBy, ValidateIf } from 'class-validator';

const HTTP_CHARACTERS = 262_144;
const TARGET_CHARACTERS = 8192;
const BODY_CHARACTERS = 700_000;
const BASE_CHARACTERS = 65_536;
const HEADERS = 100;
const VALUES_CHARACTERS = 16_384;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Not `MayBeAbsent`: a class-validator rule would be asked for a text that is absent. */
const Optional = () => ValidateIf((_object, value) => value !== undefined);

/** As many as a server reads, each value a text or a list of texts. */
function isHeaders(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const values = Object.values(value).flat();
  return (
    values.length <= HEADERS &&
    values.every((one) => typeof one === 'string') &&
    Object.entries(value).flat(2).join('').length <= VALUES_CHARACTERS
  );
}
const HEADERS_TEXTS = {
  vi: `Phải là đối tượng tên → giá trị (chuỗi, hoặc danh sách chuỗi), không quá ${HEADERS} tiêu đề và ${VALUES_CHARACTERS} ký tự.`,
  en: `Must be an object of name → value (a text, or a list of texts), at most ${HEADERS} headers and ${VALUES_CHARACTERS} characters.`,
};
const AreHeaders = () =>
  ValidateBy(
    { name: 'areHeaders', validator: { validate: isHeaders, defaultMessage: () => HEADERS_TEXTS.en } },
    { context: HEADERS_TEXTS },
  );

export class SignatureCheckDto implements SignatureCheck {
  @ApiPropertyOptional({
    description: 'The request as text of HTTP/1.1, in place of method, target, headers and body',
    maxLength: HTTP_CHARACTERS,
  })
  @Optional()
  @IsString()
  @MaxLength(HTTP_CHARACTERS)
  http?: string;

  @ApiPropertyOptional({ example: 'POST', pattern: '^[A-Za-z]{1,20}$' })
  @Optional()
  @Matches(/^[A-Za-z]{1,20}$/)
  method?: string;

  @ApiPropertyOptional({
    description: 'Path and query, exactly as sent',
    example: '/v1/packets?limit=1',
    pattern: '^/',
    maxLength: TARGET_CHARACTERS,
  })
  @Optional()
  @IsString()
  @Matches(/^\//)
  @MaxLength(TARGET_CHARACTERS)
  target?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    description: 'By name; a list of values for a header that is sent more than once',
  })
  @Optional()
  @AreHeaders()
  headers?: Record<string, string | string[]>;

  @ApiPropertyOptional({ description: 'Standard base64', maxLength: BODY_CHARACTERS })
  @Optional()
  @IsString()
  @MaxLength(BODY_CHARACTERS)
  @Matches(BASE64)
  body?: string;

  @ApiPropertyOptional({ description: 'In place of the body: its SHA-256 in standard base64' })
  @Optional()
  @Matches(/^[A-Za-z0-9+/]{43}=$/)
  bodySha256?: string;

  @ApiPropertyOptional({
    description: 'The canonical text that your program signed, to be compared',
    maxLength: BASE_CHARACTERS,
  })
  @Optional()
  @IsString()
  @MaxLength(BASE_CHARACTERS)
  signatureBase?: string;
}
