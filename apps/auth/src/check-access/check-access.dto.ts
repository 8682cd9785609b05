import type { AccessCheckRequest } from '@lienthong/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, IsString, Matches, MaxLength, ValidateBy, ValidateNested } from 'class-validator';
import { MayBeAbsent } from '../edge/registry-rules';

const TOKEN_CHARACTERS = 4096;
const TARGET_CHARACTERS = 8192;
const HEADERS = 100;
const HEADER_CHARACTERS = 16_384;

function isHeaders(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const headers = Object.entries(value);
  return (
    headers.length <= HEADERS &&
    headers.every(([, text]) => typeof text === 'string') &&
    headers.flat().join('').length <= HEADER_CHARACTERS
  );
}
const TEXTS = {
  vi: `Phải là đối tượng tên → giá trị, không quá ${HEADERS} tiêu đề và ${HEADER_CHARACTERS} ký tự.`,
  en: `Must be an object of name → value, at most ${HEADERS} headers and ${HEADER_CHARACTERS} characters.`,
};

class CheckedRequestDto implements NonNullable<AccessCheckRequest['request']> {
  @ApiProperty({ example: 'GET', pattern: '^[A-Za-z]{1,20}$' })
  @Matches(/^[A-Za-z]{1,20}$/)
  method!: string;

  @ApiProperty({ example: '/ho-so/17', description: 'As it was sent, without the query', pattern: '^/[^?]*$' })
  @IsString()
  @Matches(/^\/[^?]*$/)
  @MaxLength(TARGET_CHARACTERS)
  path!: string;

  @ApiPropertyOptional({ example: '?trang=2', description: 'As it was sent; empty for none', default: '' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(TARGET_CHARACTERS)
  query?: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'signature-input, signature, authorization, and whatever else the signature covers',
  })
  @ValidateBy(
    { name: 'isHeaders', validator: { validate: isHeaders, defaultMessage: () => TEXTS.en } },
    { context: TEXTS },
  )
  headers!: Record<string, string>;
}

export class AccessCheckDto implements AccessCheckRequest {
  @ApiProperty({ description: 'What stood in Authorization: Bearer', maxLength: TOKEN_CHARACTERS })
  @IsString()
  @MaxLength(TOKEN_CHARACTERS)
  accessToken!: string;

  @ApiPropertyOptional({ description: 'The request that came; when it is signed, its signature is verified too' })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => CheckedRequestDto)
  request?: CheckedRequestDto;
}
