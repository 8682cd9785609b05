import type { SessionAnswer } from '@lienthong/contracts';
import { Caller } from '@lienthong/identity';
import { answer, Problems, Step } from '@lienthong/runtime';
import { Body, Controller, Delete, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { OpenSession } from './open-session';
import { OpenSessionDto } from './open-session.dto';

@ApiTags('sessions')
@Step('open-session')
@Controller('v1/sessions')
export class OpenSessionController {
  constructor(private readonly openSession: OpenSession) {}

  @Post()
  @ApiOperation({ summary: 'S1, S5, A1, A2: open a session; signed with an access key' })
  @ApiBody({ type: OpenSessionDto, required: false })
  @ApiCreatedResponse(answer('SessionAnswer', 'The session, and what waits'))
  @Problems('access_denied')
  open(@Caller() caller: Caller, @Body() body?: OpenSessionDto): Promise<SessionAnswer> {
    return this.openSession.open(caller, body?.destination);
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
