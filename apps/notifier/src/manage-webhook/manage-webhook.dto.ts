import { EVENT_TYPES, type EventType, LIMITS, type NewWebhook } from '@lienthong/contracts';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayNotEmpty, ArrayUnique, IsArray, IsIn, IsString, MaxLength, ValidateIf } from 'class-validator';

export class NewWebhookDto implements NewWebhook {
  @ApiProperty({
    example: 'https://qlvb.soyte.example.vn/lienthong',
    maxLength: LIMITS.webhookUrlCharacters,
    description: 'Where events are posted; https, in a network that the platform may call',
  })
  @IsString()
  @MaxLength(LIMITS.webhookUrlCharacters)
  url!: string;

  @ApiPropertyOptional({
    enum: EVENT_TYPES,
    isArray: true,
    description: 'Only events of these types; the others are read by stream or poll. Default: all',
  })
  @ValidateIf((_object, value) => value !== undefined)
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(EVENT_TYPES, { each: true })
  events?: EventType[];
}
