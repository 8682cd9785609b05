import { DATA_TYPE, LIMITS, type Policy } from '@lienthong/contracts';
import { ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsInt,
  IsISO8601,
  IsNumber,
  IsOptional,
  Matches,
  Max,
  Min,
} from 'class-validator';

const TIME = { strict: true, strictSeparator: true } as const;

export class PolicyDto implements Policy {
  @ApiPropertyOptional({ format: 'date-time', description: 'Not delivered before this time' })
  @IsOptional()
  @IsISO8601(TIME)
  deliverAfter?: string;

  @ApiPropertyOptional({
    format: 'date-time',
    description: 'Deadline; 5 days after completion by default, 30 days at most',
  })
  @IsOptional()
  @IsISO8601(TIME)
  deliverBy?: string;

  @ApiPropertyOptional({ minimum: 0, maximum: LIMITS.keepAfterConfirmSeconds, default: 0 })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(LIMITS.keepAfterConfirmSeconds)
  keepAfterConfirmSeconds?: number;

  @ApiPropertyOptional({ type: [Number], description: 'Fractions of the time to deliverBy', default: [0.5, 0.8] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(10)
  @IsNumber({}, { each: true })
  @Min(0, { each: true })
  @Max(1, { each: true })
  warnAt?: number[];

  @ApiPropertyOptional({
    description: 'Data type to convert to; must equal the packet’s own until a converter for the pair is installed',
  })
  @IsOptional()
  @Matches(DATA_TYPE)
  convertTo?: string;

  @ApiPropertyOptional({ default: false, description: 'Send to the allowed recipients although others are refused' })
  @IsOptional()
  @IsBoolean()
  allowPartial?: boolean;
}
