import type { DirectoryEntry } from '@lienthong/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
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

export class DirectoryAnswer implements DirectoryEntry {
  @ApiProperty({ enum: ['agency', 'system'] }) kind!: 'agency' | 'system';
  @ApiProperty({ example: 'H01.14', description: 'What a packet is addressed to' }) address!: string;
  @ApiProperty() name!: string;
  @ApiProperty() agencyCode!: string;
  @ApiPropertyOptional({ type: String, nullable: true, description: 'Agency' }) parentCode?: string | null;
  @ApiPropertyOptional({ type: [String], description: 'Agency: former codes' }) aliases?: string[];
  @ApiPropertyOptional({ type: String, nullable: true, description: 'Agency' }) successorCode?: string | null;
  @ApiPropertyOptional({ description: 'Agency' }) dissolved?: boolean;
  @ApiPropertyOptional({ type: [String], description: 'System: data types' }) receives?: string[];
  @ApiPropertyOptional({ description: 'System' }) default?: boolean;
  @ApiPropertyOptional({ description: 'System' }) suspended?: boolean;
  @ApiPropertyOptional({ description: 'System: a stream is open, or it polled within 3 minutes' }) online?: boolean;
  @ApiPropertyOptional({ type: () => [DirectoryAnswer], description: 'Agency, when read by its address' })
  systems?: DirectoryEntry[];
}

export class DirectoryPage {
  @ApiProperty({ type: [DirectoryAnswer] }) items!: DirectoryEntry[];
  @ApiProperty({ type: String, nullable: true }) nextCursor!: string | null;
}
