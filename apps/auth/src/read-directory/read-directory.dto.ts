import { ApiPropertyOptional } from '@nestjs/swagger';
import { PageDto } from '../edge/page';
import { IsDataType, IsName, MayBeAbsent } from '../edge/registry-rules';

export class SearchDirectoryDto extends PageDto {
  @ApiPropertyOptional({
    example: 'so noi vu',
    description: 'Words of a name, or part of a code; case and Vietnamese accents do not matter; all must occur',
  })
  @MayBeAbsent()
  @IsName(200)
  q?: string;

  @ApiPropertyOptional({
    example: 'edxml.document',
    description: 'Only systems that receive it, and agencies that have such a system',
  })
  @MayBeAbsent()
  @IsDataType()
  dataType?: string;
}
