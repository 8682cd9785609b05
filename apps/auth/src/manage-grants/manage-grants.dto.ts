import type { NewGrant } from '@lienthong/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsArray } from 'class-validator';
import { PageDto } from '../edge/page';
import { IsDataType, IsParty, MayBeAbsent } from '../edge/registry-rules';

const DATA_TYPES = 200;

export class NewGrantDto implements NewGrant {
  @ApiProperty({ example: 'H01.14', description: 'Who sends: an agency (all its systems), a system, or *' })
  @IsParty()
  from!: string;

  @ApiProperty({ example: 'H01.20/qlvb', description: 'Who receives: an agency (all its systems), a system, or *' })
  @IsParty()
  to!: string;

  @ApiProperty({ type: [String], example: ['edxml.document'], description: 'Data types, or *', maxItems: DATA_TYPES })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(DATA_TYPES)
  @ArrayUnique()
  @IsDataType({ each: true, anyToo: true })
  dataTypes!: string[];
}

export class ListGrantsDto extends PageDto {
  @ApiPropertyOptional({ description: 'Only grants that name this sender' })
  @MayBeAbsent()
  @IsParty()
  from?: string;

  @ApiPropertyOptional({ description: 'Only grants that name this receiver' })
  @MayBeAbsent()
  @IsParty()
  to?: string;
}
