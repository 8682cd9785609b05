import type { SessionAnswer } from '@lienthong/contracts';
import { Caller } from '@lienthong/identity';
import { Step } from '@lienthong/runtime';
import { Body, Controller, Delete, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiSignedProblems } from '../edge/problem-answers';
import { OpenSession } from './open-session';
import { OpenSessionDto, SessionOpened } from './open-session.dto';

@ApiTags('sessions')
@Step('open-session')
@Controller('v1/sessions')
export class OpenSessionController {
  constructor(private readonly openSession: OpenSession) {}

  @Post()
  @ApiOperation({ summary: 'S1, S5: open a session; signed with an access key' })
  @ApiBody({ type: OpenSessionDto })
  @ApiCreatedResponse({ type: SessionOpened })
  @ApiSignedProblems('validation_failed', 'access_denied')
  open(@Caller() caller: Caller, @Body() _body: OpenSessionDto): Promise<SessionAnswer> {
    return this.openSession.open(caller);
  }

  @Delete('current')
  @HttpCode(204)
  @ApiOperation({ summary: 'Close the session that this request is signed with' })
  @ApiNoContentResponse()
  @ApiSignedProblems('not_found')
  close(@Caller() caller: Caller): Promise<void> {
    return this.openSession.close(caller);
  }
}
