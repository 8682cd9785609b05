import type { Page, PlatformKeyRotation, PlatformKeyView } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { PlatformKeyStore } from '@lienthong/persistence';
import { answer, pageAnswer, Problems, Step } from '@lienthong/runtime';
import { newPlatformKey } from '@lienthong/signing';
import { Body, Controller, Get, Post } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { IsBoolean } from 'class-validator';
import { MayBeAbsent } from '../edge/registry-rules';

/** The key set may be kept for five minutes (`Cache-Control` of the JWKS); one more for clocks. */
const PUBLISHED_FIRST_SECONDS = 360;

export class PlatformKeyRotationDto implements PlatformKeyRotation {
  @ApiPropertyOptional({
    description: 'Sign with the new key at once, without publishing it first: when the old one may be known to others',
    default: false,
  })
  @MayBeAbsent()
  @IsBoolean()
  immediately?: boolean;
}

@ApiTags('administration')
@Step('manage-platform-keys')
@Administrator()
@Controller('v1/admin/platform-keys')
export class ManagePlatformKeysController {
  constructor(private readonly keys: PlatformKeyStore) {}

  @Get()
  @ApiOperation({ summary: 'The keys by which the platform signs receipts, checkpoints and tokens; newest first' })
  @ApiOkResponse(pageAnswer('PlatformKeyView', 'All keys there ever were, on one page'))
  async list(): Promise<Page<PlatformKeyView>> {
    return { items: await this.keys.list(), nextCursor: null };
  }

  @Post()
  @ApiOperation({
    summary: 'Rotate: a new key, published now; signs in six minutes, when nobody keeps a key set without it',
  })
  @ApiBody({ type: PlatformKeyRotationDto, required: false })
  @ApiCreatedResponse(
    answer(
      'PlatformKeyView',
      'The new key; the private half of the former is destroyed ten minutes after it last signed',
    ),
  )
  @Problems('already_exists')
  rotate(@Body() { immediately = false }: PlatformKeyRotationDto): Promise<PlatformKeyView> {
    return this.keys.rotate(newPlatformKey, { seconds: immediately ? 0 : PUBLISHED_FIRST_SECONDS, immediately });
  }
}
