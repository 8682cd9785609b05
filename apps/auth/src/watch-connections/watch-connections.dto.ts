import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { PageDto } from '../edge/page';
import { IsSystemId, MayBeAbsent } from '../edge/registry-rules';

export class ListContactsDto extends PageDto {
  @ApiPropertyOptional({ example: 'H01.14/qlvb', description: 'Only of this system' })
  @MayBeAbsent()
  @IsSystemId()
  systemId?: string;
}

export class ListConnectionsDto extends ListContactsDto {
  @ApiPropertyOptional({ enum: ['true', 'false'], default: 'false', description: 'Only those that are open now' })
  @MayBeAbsent()
  @IsIn(['true', 'false'])
  open?: string;
}
