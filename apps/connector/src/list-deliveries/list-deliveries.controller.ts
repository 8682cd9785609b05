import {
  DELIVERY_STATES,
  DELIVERY_TRANSITIONS,
  type DeliveryState,
  isFinal,
  type Page,
  priorityRank,
  type WaitingDelivery,
} from '@lienthong/contracts';
import { BearerToo, CallingSystem, type SystemCaller } from '@lienthong/identity';
import { DeliveryListStore } from '@lienthong/persistence';
import { pageAnswer, Step } from '@lienthong/runtime';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';
import { cursorOf, positionOf } from '../cursor';
import { PageDto } from '../page.dto';
import { invalid } from '../policy';

class ListDeliveriesDto extends PageDto {
  @ApiPropertyOptional({ description: `Exact states, separated by commas: ${DELIVERY_STATES.join(', ')}` })
  @IsOptional()
  @IsString()
  state?: string;
}

const POSITION = /^(w[0-3]|f):[0-9a-f-]{36}$/;

@ApiTags('receiving')
@Step('list-deliveries')
@Controller('v1/deliveries')
export class ListDeliveriesController {
  constructor(private readonly deliveries: DeliveryListStore) {}

  @Get()
  @BearerToo('list')
  @ApiOperation({ summary: 'S5: what waits, by priority, then age; being listed makes a pending delivery notified' })
  @ApiOkResponse(pageAnswer('WaitingDelivery', 'A page of deliveries'))
  async list(
    @CallingSystem() caller: SystemCaller,
    @Query() { limit, cursor, state }: ListDeliveriesDto,
  ): Promise<Page<WaitingDelivery>> {
    const { systemId, dataTypes } = caller;
    const states = statesOf(state);
    const position = positionOf(cursor, POSITION);
    const finished = states?.some((one) => isFinal(DELIVERY_TRANSITIONS, one)) ?? false;
    const [place, id] = position?.split(':') ?? [];
    const items = finished
      ? await this.deliveries.inStates(systemId, { states: states as DeliveryState[], limit, dataTypes, before: id })
      : await this.deliveries.waiting(systemId, {
          limit,
          states,
          dataTypes,
          after: id ? { rank: Number(place.slice(1)), id } : undefined,
        });
    const pending = items.filter((item) => item.state === 'pending');
    await this.deliveries.markListed(pending.map((item) => item.deliveryId));
    for (const item of pending) item.state = 'notified';
    const last = items.at(-1);
    const full = last && items.length === limit;
    const next = full ? `${finished ? 'f' : `w${priorityRank(last.priority)}`}:${last.deliveryId}` : null;
    return { items, nextCursor: next && cursorOf(next) };
  }
}

function statesOf(text: string | undefined): DeliveryState[] | undefined {
  if (text === undefined) return undefined;
  const states = text.split(',') as DeliveryState[];
  if (!states.every((state) => DELIVERY_STATES.includes(state)))
    throw invalid(
      '?state',
      'is_in',
      `Phải gồm các trạng thái sau, cách nhau bằng dấu phẩy: ${DELIVERY_STATES.join(', ')}.`,
      `Must be some of these states, separated by commas: ${DELIVERY_STATES.join(', ')}.`,
    );
  return states;
}
