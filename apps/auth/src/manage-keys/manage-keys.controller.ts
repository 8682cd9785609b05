import type { IssuedKey, KeyView, Page, RotatedKey } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { answer, pageAnswer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { PageDto } from '../edge/page';
import { accessKeyPipe, codePipe, slugPipe } from '../edge/path-pipes';
import { ManageKeys } from './manage-keys';
import { KeyRotationDto, NewKeyDto } from './manage-keys.dto';

@ApiTags('administration')
@Step('manage-keys')
@Administrator()
@Controller('v1/admin/systems/:code/:slug/keys')
export class ManageKeysController {
  constructor(private readonly manageKeys: ManageKeys) {}

  @Post()
  @ApiOperation({ summary: 'A0: issue a key pair to a system; the secret is in this answer only' })
  @ApiCreatedResponse(answer('IssuedKey', 'The key; its secret is shown this once'))
  @Problems('weak_key', 'not_found')
  issue(
    @Param('code', codePipe) code: string,
    @Param('slug', slugPipe) slug: string,
    @Body() body: NewKeyDto,
  ): Promise<IssuedKey> {
    return this.manageKeys.issue(`${code}/${slug}`, body);
  }

  @Get()
  @ApiOperation({ summary: 'Keys of a system, newest first, without secrets' })
  @ApiOkResponse(pageAnswer('KeyView', 'All keys of the system; a system has few, there is no second page'))
  @Problems('not_found')
  async list(
    @Param('code', codePipe) code: string,
    @Param('slug', slugPipe) slug: string,
    @Query() _page: PageDto,
  ): Promise<Page<KeyView>> {
    return { items: await this.manageKeys.list(`${code}/${slug}`), nextCursor: null };
  }

  @Post(':accessKey/rotate')
  @ApiBody({ type: KeyRotationDto, required: false })
  @ApiOperation({ summary: 'Put a new key in place of one; both hold for the overlap' })
  @ApiCreatedResponse(answer('RotatedKey', 'The new key, and until when the former one holds'))
  @Problems('weak_key', 'not_found', 'wrong_state')
  rotate(
    @Param('code', codePipe) code: string,
    @Param('slug', slugPipe) slug: string,
    @Param('accessKey', accessKeyPipe) accessKey: string,
    @Body() body: KeyRotationDto,
  ): Promise<RotatedKey> {
    return this.manageKeys.rotate(`${code}/${slug}`, accessKey, body);
  }

  @Delete(':accessKey')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a key for good; its sessions end with it, everywhere within 10 s' })
  @ApiNoContentResponse()
  @Problems('not_found')
  revoke(
    @Param('code', codePipe) code: string,
    @Param('slug', slugPipe) slug: string,
    @Param('accessKey', accessKeyPipe) accessKey: string,
  ): Promise<void> {
    return this.manageKeys.revoke(`${code}/${slug}`, accessKey);
  }
}
