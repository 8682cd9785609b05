import { HasForm } from '@lienthong/runtime';
import {
  type ConfirmRequest,
  LIMITS,
  type Outcome,
  REJECTION_REASONS,
  type RejectionReason,
} from '@lienthong/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  IsUUID,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { IsReason } from '../texts.dto';

export class ReportedPartDto {
  @ApiProperty()
  @IsString()
  @MaxLength(LIMITS.partNameCharacters)
  name!: string;

  @ApiProperty({ description: 'SHA-256 that the destination computed; standard base64 with padding' })
  @HasForm(
    /^[A-Za-z0-9+/]{43}=$/,
    'Phải là SHA-256 dạng base64 chuẩn: 44 ký tự, kết thúc bằng =.',
    'Must be a SHA-256 in standard base64: 44 characters that end with =.',
  )
  sha256!: string;
}

export class ConfirmDto implements ConfirmRequest {
  @ApiProperty({ enum: ['accepted', 'rejected'] })
  @IsIn(['accepted', 'rejected'])
  outcome!: Outcome;

  @ApiProperty({ type: [ReportedPartDto], description: 'Every part; may be empty when rejecting' })
  @IsArray()
  @ArrayMaxSize(LIMITS.parts)
  @ValidateNested({ each: true })
  @Type(() => ReportedPartDto)
  parts!: ReportedPartDto[];

  @ApiPropertyOptional({ enum: REJECTION_REASONS, description: 'With rejected: why; your own words go into reason' })
  @IsOptional()
  @IsIn(REJECTION_REASONS)
  reasonCode?: RejectionReason;

  @ApiPropertyOptional({ maxLength: LIMITS.reasonCharacters })
  @IsOptional()
  @IsReason()
  reason?: string;

  @ApiPropertyOptional({ description: 'With rejected: try again later' })
  @IsOptional()
  @IsBoolean()
  retryable?: boolean;
}

export class NamedConfirmDto extends ConfirmDto {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  deliveryId!: string;
}

export class ConfirmationsDto {
  @ApiProperty({ type: [NamedConfirmDto], maxItems: LIMITS.confirmationsAtOnce })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(LIMITS.confirmationsAtOnce)
  @ValidateNested({ each: true })
  @Type(() => NamedConfirmDto)
  confirmations!: NamedConfirmDto[];
}
