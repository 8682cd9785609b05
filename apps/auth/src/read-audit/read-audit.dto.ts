import { AUDIT_ACTIONS, type AuditAction, type AuditCheckpointItem, type AuditItem } from '@lienthong/contracts';
import { IsTime } from '@lienthong/runtime';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Max, MaxLength, Min } from 'class-validator';
import { PageDto } from '../edge/page';

export class ListAuditDto extends PageDto {
  @ApiPropertyOptional({ format: 'date-time', description: 'Not older; 31 days before `until` by default' })
  @IsOptional()
  @IsTime()
  since?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Older than this; now by default' })
  @IsOptional()
  @IsTime()
  until?: string;

  @ApiPropertyOptional({ description: 'Access key, session id, `platform:…` or `unverified`' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  actor?: string;

  @ApiPropertyOptional({ enum: AUDIT_ACTIONS })
  @IsOptional()
  @IsIn(AUDIT_ACTIONS)
  action?: AuditAction;

  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  packetId?: string;
}

export class AuditRangeDto {
  @ApiPropertyOptional({ minimum: 0, default: 0, description: 'Number of the first entry' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  from: number = 0;

  @ApiPropertyOptional({
    minimum: 0,
    description: 'Number after the last entry; extended to the next checkpoint, the newest by default',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  to?: number;
}

export class AuditAnswer implements AuditItem {
  @ApiProperty({ type: Number, nullable: true, description: 'Its number in the sealed log; null until it is sealed' })
  seq!: number | null;
  @ApiProperty({ format: 'uuid' }) id!: string;
  @ApiProperty({ format: 'date-time', description: 'Microseconds, UTC' }) at!: string;
  @ApiProperty() actor!: string;
  @ApiProperty({ type: String, nullable: true }) systemId!: string | null;
  @ApiProperty() action!: string;
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) packetId!: string | null;
  @ApiProperty({ type: String, format: 'uuid', nullable: true }) deliveryId!: string | null;
  @ApiProperty({ type: String, nullable: true }) subject!: string | null;
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true }) detail!: Record<string, unknown> | null;
}

export class AuditPage {
  @ApiProperty({ type: [AuditAnswer] }) items!: AuditItem[];
  @ApiProperty({ type: String, nullable: true }) nextCursor!: string | null;
}

export class AuditCheckpointAnswer implements AuditCheckpointItem {
  @ApiProperty({ description: 'Entries that it stands for' }) size!: number;
  @ApiProperty({ format: 'date-time' }) at!: string;
  @ApiProperty({ description: 'Compact JWS, `lienthong-audit-checkpoint+jwt`' }) jws!: string;
}

export class AuditCheckpointPage {
  @ApiProperty({ type: [AuditCheckpointAnswer] }) items!: AuditCheckpointItem[];
  @ApiProperty({ type: String, nullable: true }) nextCursor!: string | null;
}
