import { LIMITS, type StatusReport } from '@lienthong/contracts';
import { IsTime } from '@lienthong/runtime';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { IsReason } from '../texts.dto';

export class StatusDto implements StatusReport {
  @ApiProperty({ example: '03', description: 'edXML 01–06, 13, 15, 16, or a code of the data type' })
  @Matches(/^[0-9A-Za-z][0-9A-Za-z_.-]{0,31}$/)
  code!: string;

  @ApiPropertyOptional({ maxLength: LIMITS.reasonCharacters })
  @IsOptional()
  @IsReason()
  description?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'When it happened; now by default' })
  @IsOptional()
  @IsTime()
  at?: string;
}
