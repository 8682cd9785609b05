import { DATA_TYPE, LIMITS, type Policy } from '@lienthong/contracts';
import { HasForm, IsTime } from '@lienthong/runtime';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsBoolean, IsInt, IsNumber, IsOptional, Max, Min } from 'class-validator';

export class PolicyDto implements Policy {
  @ApiPropertyOptional({ format: 'date-time', description: 'Not delivered before this time' })
  @IsOptional()
  @IsTime()
  deliverAfter?: string;

  @ApiPropertyOptional({
    format: 'date-time',
    description: 'Deadline; 5 days after completion by default, 30 days at most, unless the platform is set otherwise',
  })
  @IsOptional()
  @IsTime()
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
  @HasForm(DATA_TYPE, 'Phải là kiểu dữ liệu, ví dụ edxml.document.', 'Must be a data type, such as edxml.document.')
  convertTo?: string;

  @ApiPropertyOptional({ default: false, description: 'Send to the allowed recipients although others are refused' })
  @IsOptional()
  @IsBoolean()
  allowPartial?: boolean;
}
