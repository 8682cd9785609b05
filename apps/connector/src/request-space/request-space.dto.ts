import { HasForm } from '@lienthong/runtime';
import {
  DATA_TYPE,
  LIMITS,
  PRIORITIES,
  type Priority,
  type DeclaredPart,
  type SendRequest,
  TRANSFER_PROTOCOLS,
  type TransferProtocol,
} from '@lienthong/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { PolicyDto } from '../policy.dto';
import { IsOneLine } from '../texts.dto';

/** Standard base64 with padding; empty for an empty file. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** 32 bytes in standard base64 with padding. */
const SHA256 = /^[A-Za-z0-9+/]{43}=$/;
const MEDIA_TYPE =
  /^[A-Za-z0-9!#$&^_.+-]{1,100}\/[A-Za-z0-9!#$&^_.+-]{1,100}(; ?[A-Za-z0-9._-]{1,50}=[A-Za-z0-9._-]{1,100}){0,5}$/;
export class PartDto implements DeclaredPart {
  @ApiProperty({ maxLength: LIMITS.partNameCharacters })
  @IsString()
  @IsNotEmpty()
  @MaxLength(LIMITS.partNameCharacters)
  @IsOneLine()
  name!: string;

  @ApiProperty({ example: 'application/pdf' })
  @HasForm(
    MEDIA_TYPE,
    'Phải là kiểu nội dung, ví dụ application/pdf.',
    'Must be a media type, such as application/pdf.',
  )
  mediaType!: string;

  @ApiPropertyOptional({
    minimum: 0,
    maximum: LIMITS.partBytes,
    description: 'Bytes; may be left out with inline content',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(LIMITS.partBytes)
  size?: number;

  @ApiPropertyOptional({ description: 'SHA-256, standard base64 with padding; may be left out with inline content' })
  @IsOptional()
  @HasForm(
    SHA256,
    'Phải là SHA-256 dạng base64 chuẩn: 44 ký tự, kết thúc bằng =.',
    'Must be a SHA-256 in standard base64: 44 characters that end with =.',
  )
  sha256?: string;

  @ApiPropertyOptional({ description: 'With protocol inline: the content, base64; 256 KiB decoded in all parts' })
  @IsOptional()
  @HasForm(BASE64, 'Phải là base64 chuẩn, có ký tự đệm =.', 'Must be standard base64 with padding.')
  content?: string;
}

export class SendDto implements SendRequest {
  @ApiProperty({ type: [String], example: ['H01.20', 'H01.31/motcua'], maxItems: LIMITS.recipients })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(LIMITS.recipients)
  @IsString({ each: true })
  @MaxLength(100, { each: true })
  to!: string[];

  @ApiProperty({ maxLength: LIMITS.titleCharacters })
  @IsString()
  @IsNotEmpty()
  @MaxLength(LIMITS.titleCharacters)
  @IsOneLine()
  title!: string;

  @ApiPropertyOptional({ enum: PRIORITIES, default: 'normal' })
  @IsOptional()
  @IsIn(PRIORITIES)
  priority?: Priority;

  @ApiProperty({ example: 'file' })
  @HasForm(DATA_TYPE, 'Phải là kiểu dữ liệu, ví dụ edxml.document.', 'Must be a data type, such as edxml.document.')
  @MaxLength(100)
  dataType!: string;

  @ApiPropertyOptional({ enum: TRANSFER_PROTOCOLS, default: 'put' })
  @IsOptional()
  @IsIn(TRANSFER_PROTOCOLS)
  protocol?: TransferProtocol;

  @ApiProperty({ type: [PartDto], maxItems: LIMITS.parts })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(LIMITS.parts)
  @ValidateNested({ each: true })
  @Type(() => PartDto)
  parts!: PartDto[];

  @ApiPropertyOptional({ format: 'uuid', nullable: true, type: String })
  @IsOptional()
  @IsUUID()
  inReplyTo?: string | null;

  @ApiPropertyOptional({ type: PolicyDto })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => PolicyDto)
  policy?: PolicyDto;
}
