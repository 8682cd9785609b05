import type { NewSystem, SystemChange } from '@lienthong/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsBoolean, IsObject, ValidateNested } from 'class-validator';
import { PageDto } from '../edge/page';
import { ContactDto } from '../manage-agencies/manage-agencies.dto';
import { IsAgencyCode, IsDataType, IsName, IsSystemId, MayBeAbsent } from '../edge/registry-rules';

const DATA_TYPES = 200;

export class NewSystemDto implements NewSystem {
  @ApiProperty({ example: 'H01.14/qlvb', description: '<agency code>/<slug>; it never changes' })
  @IsSystemId()
  id!: string;

  @ApiProperty({ example: 'Quản lý văn bản', maxLength: 500 })
  @IsName()
  name!: string;

  @ApiProperty({ type: [String], example: ['edxml.document'], maxItems: DATA_TYPES })
  @IsArray()
  @ArrayMaxSize(DATA_TYPES)
  @ArrayUnique()
  @IsDataType({ each: true })
  receives!: string[];

  @ApiPropertyOptional({
    default: false,
    description:
      'Takes what is sent to the agency and no other system of it receives; takes the place of the former default',
  })
  @MayBeAbsent()
  @IsBoolean()
  default?: boolean;

  @ApiPropertyOptional({ type: ContactDto, description: 'Whom reminders go to; its agency’s contact by default' })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => ContactDto)
  contact?: ContactDto;
}

export class SystemChangeDto implements SystemChange {
  @ApiPropertyOptional({ maxLength: 500 })
  @MayBeAbsent()
  @IsName()
  name?: string;

  @ApiPropertyOptional({ type: [String], maxItems: DATA_TYPES, description: 'Takes the place of the former list' })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(DATA_TYPES)
  @ArrayUnique()
  @IsDataType({ each: true })
  receives?: string[];

  @ApiPropertyOptional()
  @MayBeAbsent()
  @IsBoolean()
  default?: boolean;

  @ApiPropertyOptional({
    description: 'True: its keys and sessions are refused and nothing is sent to it; false: released',
  })
  @MayBeAbsent()
  @IsBoolean()
  suspended?: boolean;

  @ApiPropertyOptional({
    type: ContactDto,
    description: 'Takes the place of the former; an empty one is its agency’s again',
  })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => ContactDto)
  contact?: ContactDto;
}

export class ListSystemsDto extends PageDto {
  @ApiPropertyOptional({ description: 'Only the systems of this agency' })
  @MayBeAbsent()
  @IsAgencyCode()
  agency?: string;
}
