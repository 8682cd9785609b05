import { LIMITS } from '@lienthong/contracts';
import { ApiProperty } from '@nestjs/swagger';
import { IsNotEmpty } from 'class-validator';
import { IsReason } from '../texts.dto';

export class RecallDto {
  @ApiProperty({ maxLength: LIMITS.reasonCharacters })
  @IsNotEmpty()
  @IsReason()
  reason!: string;
}
