import { type IssuedKey, type KeyView, LienThongError, type Page, type RotatedKey } from '@lienthong/contracts';
import { CallingSystem, type SystemCaller } from '@lienthong/identity';
import { answer, pageAnswer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { accessKeyPipe } from '../edge/path-pipes';
import { ManageKeys } from './manage-keys';
import { KeyRotationDto, OwnPublicKeyDto } from './manage-keys.dto';

/**
 * A system cares for its own keys, without an administrator and without a stop (AG Art. 14). Changes are signed with an access key: a session,
 * which many hands may hold, must not outlive itself by making a key.
 */
@ApiTags('keys')
@Step('manage-keys')
@Controller('v1/keys')
export class OwnKeysController {
  constructor(private readonly manageKeys: ManageKeys) {}

  @Get()
  @ApiOperation({ summary: 'The keys of the calling system, newest first, without secrets' })
  @ApiOkResponse(pageAnswer('KeyView', 'All its keys; a system has few, there is no second page'))
  @Problems('access_denied')
  async list(@CallingSystem() caller: SystemCaller): Promise<Page<KeyView>> {
    return { items: await this.manageKeys.list(caller.systemId), nextCursor: null };
  }

  @Post()
  @ApiOperation({ summary: 'Register the public key of an RSA pair; signed with an access key' })
  @ApiCreatedResponse(answer('IssuedKey', 'The key on record'))
  @Problems('weak_key', 'access_denied')
  register(@CallingSystem() caller: SystemCaller, @Body() body: OwnPublicKeyDto): Promise<IssuedKey> {
    return this.manageKeys.issue(withAccessKey(caller), body);
  }

  @Post(':accessKey/rotate')
  @ApiBody({ type: KeyRotationDto, required: false })
  @ApiOperation({
    summary: 'Put a new key in place of an own one; both hold for the overlap; signed with an access key',
  })
  @ApiCreatedResponse(answer('RotatedKey', 'The new key, and until when the former one holds'))
  @Problems('weak_key', 'not_found', 'wrong_state', 'access_denied')
  rotate(
    @CallingSystem() caller: SystemCaller,
    @Param('accessKey', accessKeyPipe) accessKey: string,
    @Body() body: KeyRotationDto,
  ): Promise<RotatedKey> {
    return this.manageKeys.rotate(withAccessKey(caller), accessKey, body);
  }

  @Delete(':accessKey')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke an own key for good; signed with an access key, which may be that one' })
  @ApiNoContentResponse()
  @Problems('not_found', 'access_denied')
  revoke(@CallingSystem() caller: SystemCaller, @Param('accessKey', accessKeyPipe) accessKey: string): Promise<void> {
    return this.manageKeys.revoke(withAccessKey(caller), accessKey);
  }
}

function withAccessKey({ systemId, sessionId }: SystemCaller): string {
  if (sessionId !== undefined) throw new LienThongError('access_denied', { what: 'v1/keys' });
  return systemId;
}
