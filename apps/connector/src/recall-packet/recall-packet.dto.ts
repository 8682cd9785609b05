import { LIMITS } from '@lienthong/contracts';
import { ApiProperty } from '@nestjs/swagger';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class RecallDto {
  @ApiProperty({ maxLength: LIMITS.reasonCharacters })
  @IsString()
  @IsNotEmpty()
  @MaxLength(LIMITS.reasonCharacters)
  reason!: string;
}
