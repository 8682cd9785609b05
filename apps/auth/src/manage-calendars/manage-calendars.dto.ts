import {
  type MaintenanceWindow,
  type ServiceCalendar,
  type ServiceHours,
  VIETNAM,
  type Weekday,
  WEEKDAYS,
} from '@lienthong/contracts';
import { HasForm, IsTime } from '@lienthong/runtime';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsArray, IsIn, ValidateNested } from 'class-validator';
import { IsDate, IsLaterThan, IsTimeZone, MayBeAbsent } from '../edge/registry-rules';

const HOURS = 50;
const HOLIDAYS = 400;
const WINDOWS = 100;

export class ServiceHoursDto implements ServiceHours {
  @ApiProperty({ enum: WEEKDAYS, isArray: true })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(WEEKDAYS.length)
  @ArrayUnique()
  @IsIn(WEEKDAYS, { each: true })
  days!: Weekday[];

  @ApiProperty({ example: '07:30' })
  @HasForm(/^([01]\d|2[0-3]):[0-5]\d$/, 'Phải là giờ dạng 07:30.', 'Must be a time of day such as 07:30.')
  from!: string;

  @ApiProperty({ example: '17:00', description: 'The first minute outside; 24:00 is the end of the day' })
  @HasForm(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'Phải là giờ dạng 17:00.', 'Must be a time of day such as 17:00.')
  @IsLaterThan('from', (time) => Number(time.replace(':', '.')))
  to!: string;
}

export class MaintenanceWindowDto implements MaintenanceWindow {
  @ApiProperty({ format: 'date-time' })
  @IsTime()
  from!: string;

  @ApiProperty({ format: 'date-time' })
  @IsTime()
  @IsLaterThan('from', Date.parse)
  to!: string;
}

/** What is left out is not set: an empty one is always open. */
export class ServiceCalendarDto implements ServiceCalendar {
  @ApiPropertyOptional({ default: VIETNAM, description: 'IANA name' })
  @MayBeAbsent()
  @IsTimeZone()
  timeZone?: string;

  @ApiPropertyOptional({ type: [ServiceHoursDto], maxItems: HOURS, description: 'Without any: around the clock' })
  @MayBeAbsent()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(HOURS)
  @ValidateNested({ each: true })
  @Type(() => ServiceHoursDto)
  hours?: ServiceHoursDto[];

  @ApiPropertyOptional({ type: [String], example: ['2027-01-01'], maxItems: HOLIDAYS })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(HOLIDAYS)
  @IsDate({ each: true })
  holidays?: string[];

  @ApiPropertyOptional({ type: [MaintenanceWindowDto], maxItems: WINDOWS })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(WINDOWS)
  @ValidateNested({ each: true })
  @Type(() => MaintenanceWindowDto)
  maintenance?: MaintenanceWindowDto[];
}
