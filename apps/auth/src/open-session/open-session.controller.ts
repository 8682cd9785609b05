import type { SessionAnswer } from '@lienthong/contracts';
import { Caller } from '@lienthong/identity';
import { answer, Problems, Step, validationFailed } from '@lienthong/runtime';
import { Body, Controller, Delete, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { OpenSession } from './open-session';

@ApiTags('sessions')
@Step('open-session')
@Controller('v1/sessions')
export class OpenSessionController {
  constructor(private readonly openSession: OpenSession) {}

  @Post()
  @ApiOperation({ summary: 'S1, S5: open a session; signed with an access key' })
  @ApiBody({ schema: { type: 'object', additionalProperties: false }, description: '{}' })
  @ApiCreatedResponse(answer('SessionAnswer', 'The session, and what waits'))
  @Problems('access_denied')
  open(@Caller() caller: Caller, @Body() body: Record<string, unknown> = {}): Promise<SessionAnswer> {
    refuseFields(body);
    return this.openSession.open(caller);
  }

  @Delete('current')
  @HttpCode(204)
  @ApiOperation({ summary: 'Close the session that this request is signed with' })
  @ApiNoContentResponse()
  @Problems('not_found')
  close(@Caller() caller: Caller): Promise<void> {
    return this.openSession.close(caller);
  }
}

/** There is nothing to ask for yet; class-validator takes a class without rules for a mistake. */
function refuseFields(body: object): void {
  const names = Object.keys(body);
  const message = {
    vi: 'Trường này không có trong giao thức; hãy bỏ đi.',
    en: 'This field is not part of the protocol; remove it.',
  };
  if (names.length > 0)
    throw validationFailed(names.map((name) => ({ pointer: `/${name}`, code: 'unknown_field', message })));
}
