import type { AgencyChange, Contact, NewAgency } from '@lienthong/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsObject, IsOptional, ValidateNested } from 'class-validator';
import { IsAgencyCode, IsEmailAddress, IsName, MayBeAbsent } from '../edge/registry-rules';

/** Former codes of an agency that took several in; the bound keeps an agency readable. */
const ALIASES = 20;

export class ContactDto implements Contact {
  @ApiPropertyOptional({ maxLength: 200 })
  @MayBeAbsent()
  @IsName(200)
  name?: string;

  @ApiPropertyOptional({ maxLength: 200 })
  @MayBeAbsent()
  @IsName(200)
  @IsEmailAddress()
  email?: string;

  @ApiPropertyOptional({ maxLength: 50 })
  @MayBeAbsent()
  @IsName(50)
  phone?: string;
}

export class NewAgencyDto implements NewAgency {
  @ApiProperty({ example: 'H01.14', description: 'Identity code (mã định danh); it never changes' })
  @IsAgencyCode()
  code!: string;

  @ApiProperty({ example: 'Sở Nội vụ', maxLength: 500 })
  @IsName()
  name!: string;

  @ApiPropertyOptional({ example: 'H01' })
  @MayBeAbsent()
  @IsAgencyCode()
  parentCode?: string;

  @ApiPropertyOptional({ type: [String], example: ['000.00.14.H01'], maxItems: ALIASES })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(ALIASES)
  @IsAgencyCode({ each: true })
  aliases?: string[];

  @ApiPropertyOptional({ type: ContactDto })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => ContactDto)
  contact?: ContactDto;
}

export class AgencyChangeDto implements AgencyChange {
  @ApiPropertyOptional({ maxLength: 500 })
  @MayBeAbsent()
  @IsName()
  name?: string;

  @ApiPropertyOptional({ type: String, nullable: true })
  @IsOptional()
  @IsAgencyCode()
  parentCode?: string | null;

  @ApiPropertyOptional({ type: [String], maxItems: ALIASES, description: 'Takes the place of the former list' })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(ALIASES)
  @IsAgencyCode({ each: true })
  aliases?: string[];

  @ApiPropertyOptional({ type: ContactDto, description: 'Takes the place of the former contact' })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => ContactDto)
  contact?: ContactDto;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: 'Where packets go that this agency cannot take any more, after a rename or merge',
  })
  @IsOptional()
  @IsAgencyCode()
  successorCode?: string | null;

  @ApiPropertyOptional({ description: 'True: takes no packets any more; false: restored' })
  @MayBeAbsent()
  @IsBoolean()
  dissolved?: boolean;
}
