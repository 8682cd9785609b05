import { type ConfirmRequest, LIMITS, type Outcome } from '@lienthong/contracts';
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
  Matches,
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
  @Matches(/^[A-Za-z0-9+/]{43}=$/)
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

  @ApiPropertyOptional({ example: 'wrong_addressee' })
  @IsOptional()
  @Matches(/^[a-z][a-z0-9_]{0,63}$/)
  reasonCode?: string;

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
