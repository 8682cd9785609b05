import type { Rewrap } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { answer, NoFields, Step } from '@lienthong/runtime';
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RewrapSecrets } from './rewrap-secrets';

@ApiTags('administration')
@Step('rewrap-secrets')
@Administrator()
@Controller('v1/admin/rewraps')
export class RewrapSecretsController {
  constructor(private readonly rewrapSecrets: RewrapSecrets) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Put every secret under the present master key; 0 when all are' })
  @ApiOkResponse(answer('Rewrap', 'How many secrets were under another master key'))
  rewrap(@Body(NoFields) _body: unknown): Promise<Rewrap> {
    return this.rewrapSecrets.pass();
  }
}
