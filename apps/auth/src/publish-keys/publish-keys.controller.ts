import { Public } from '@lienthong/identity';
import { PlatformKeyStore } from '@lienthong/persistence';
import { Step } from '@lienthong/runtime';
import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';

@ApiTags('evidence')
@Step('publish-keys')
@Public()
@Controller('.well-known')
export class PublishKeysController {
  constructor(private readonly keys: PlatformKeyStore) {}

  @Get('jwks.json')
  @Header('Content-Type', 'application/jwk-set+json')
  @Header('Cache-Control', 'public, max-age=300')
  @ApiOperation({ summary: 'The public keys of the platform, by which its receipts are verified (RFC 7517)' })
  @ApiProduces('application/jwk-set+json')
  @ApiOkResponse({
    description: 'The key that signs now first; former ones stay for what they signed',
    schema: { type: 'object', required: ['keys'], properties: { keys: { type: 'array', items: { type: 'object' } } } },
  })
  async jwks(): Promise<string> {
    return JSON.stringify(await this.keys.jwks());
  }
}
