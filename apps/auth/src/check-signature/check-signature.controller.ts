import type { SignatureCheckAnswer } from '@lienthong/contracts';
import { Public } from '@lienthong/identity';
import { DatabaseClock } from '@lienthong/persistence';
import { answer, languageOf, RareCalls, Step } from '@lienthong/runtime';
import { Body, Controller, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CheckSignature } from './check-signature';
import { SignatureCheckDto } from './check-signature.dto';

@ApiTags('sessions')
@Step('check-signature')
@Public()
@UseGuards(RareCalls)
@Controller('v1/signature-checks')
export class CheckSignatureController {
  constructor(
    private readonly checkSignature: CheckSignature,
    private readonly clock: DatabaseClock,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Why a signature is refused',
    description:
      'For who writes a client: the canonical text that the platform builds, the first byte in which yours differs, clock skew, the first check that fails. Not signed, and limited to a hundredth of the ' +
      'requests that an address may send. No secret is opened: whether the signature is right, or the key revoked, is told only by sending the request itself.',
  })
  @ApiOkResponse(
    answer('SignatureCheckAnswer', 'What the platform makes of the request, up to where a secret is needed'),
  )
  check(@Body() body: SignatureCheckDto, @Req() req: Parameters<typeof languageOf>[0]): Promise<SignatureCheckAnswer> {
    return this.checkSignature.check(body, languageOf(req), this.clock.now());
  }
}
