import type { ExtendRequest } from '@lienthong/contracts';
import { IsTime } from '@lienthong/runtime';
import { ApiProperty } from '@nestjs/swagger';

export class ExtendDto implements ExtendRequest {
  @ApiProperty({ format: 'date-time', description: 'Later than the deadline in force; bounded as that of the policy' })
  @IsTime()
  deliverBy!: string;
}
