import { LIMITS, type StatusReport } from '@lienthong/contracts';
import { HasForm, IsTime } from '@lienthong/runtime';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsReason } from '../texts.dto';

export class StatusDto implements StatusReport {
  @ApiProperty({ example: '03', description: 'edXML 01–06, 13, 15, 16, or a code of the data type' })
  @HasForm(
    /^[0-9A-Za-z][0-9A-Za-z_.-]{0,31}$/,
    'Phải là mã trạng thái, ví dụ 01 hoặc 13: tối đa 32 chữ, số và _ . -',
    'Must be a status code, such as 01 or 13: at most 32 letters, digits and _ . -',
  )
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
