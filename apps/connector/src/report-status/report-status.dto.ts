import { LIMITS, type StatusReport } from '@lienthong/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsISO8601, IsOptional, IsString, Matches, MaxLength } from 'class-validator';

export class StatusDto implements StatusReport {
  @ApiProperty({ example: '03', description: 'edXML 01–06, 13, 15, 16, or a code of the data type' })
  @Matches(/^[0-9A-Za-z][0-9A-Za-z_.-]{0,31}$/)
  code!: string;

  @ApiPropertyOptional({ maxLength: LIMITS.reasonCharacters })
  @IsOptional()
  @IsString()
  @MaxLength(LIMITS.reasonCharacters)
  description?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'When it happened; now by default' })
  @IsOptional()
  @IsISO8601({ strict: true, strictSeparator: true })
  at?: string;
}
