import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsSystemId, MayBeAbsent } from '../edge/registry-rules';

export class OpenSessionDto {
  @ApiPropertyOptional({
    example: 'H01.20/motcua',
    description: 'A system whose own service is to be called too (A1): the answer brings the access token',
  })
  @MayBeAbsent()
  @IsSystemId()
  destination?: string;
}
