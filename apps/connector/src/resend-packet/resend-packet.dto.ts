import { LIMITS, type ResendRequest } from '@lienthong/contracts';
import { IsTime } from '@lienthong/runtime';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsOptional, IsString, MaxLength } from 'class-validator';

export class ResendDto implements ResendRequest {
  @ApiPropertyOptional({
    type: [String],
    maxItems: LIMITS.recipients,
    description: 'Addresses as they were sent to, that rejected it or were not reached; all of them by default',
  })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(LIMITS.recipients)
  @IsString({ each: true })
  @MaxLength(100, { each: true })
  to?: string[];

  @ApiPropertyOptional({ format: 'date-time', description: 'The new deadline; as the policy has it by default' })
  @IsOptional()
  @IsTime()
  deliverBy?: string;
}
