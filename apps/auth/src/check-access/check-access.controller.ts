import type { AccessCheckAnswer } from '@lienthong/contracts';
import { CallingSystem, type SystemCaller } from '@lienthong/identity';
import { answer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CheckAccess } from './check-access';
import { AccessCheckDto } from './check-access.dto';

@ApiTags('sessions')
@Step('check-access')
@Controller('v1/access-checks')
export class CheckAccessController {
  constructor(private readonly checkAccess: CheckAccess) {}

  @Post()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'A4, A5: a destination asks whether who called its own service may',
    description:
      'Only the system that the token was made for learns anything of it: for everybody else, and for a token that is unknown, expired or withdrawn, the answer is invalid_token. ' +
      'A signed request must cover authorization, and is good once.',
  })
  @ApiOkResponse(answer('AccessCheckAnswer', 'Who called, or that nobody may be let in'))
  @Problems('access_denied')
  check(@CallingSystem() caller: SystemCaller, @Body() body: AccessCheckDto): Promise<AccessCheckAnswer> {
    return this.checkAccess.check(caller.systemId, body);
  }
}
