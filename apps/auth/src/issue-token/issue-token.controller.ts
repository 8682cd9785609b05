import type { TokenAnswer } from '@lienthong/contracts';
import { Public, Refusals } from '@lienthong/identity';
import { RateLimits, Step } from '@lienthong/runtime';
import { Body, Controller, Get, Header, Headers, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiOkResponse, ApiOperation, ApiResponse, ApiSecurity, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { AuthOptions } from '../auth.config';
import { clientNamed, OAuthError } from './authenticate-client';
import { IssueToken } from './issue-token';

const text = { type: 'string' };
const OAUTH_ERROR = {
  description: 'RFC 6749 5.2, not a problem document',
  content: {
    'application/json': {
      schema: { type: 'object', required: ['error'], properties: { error: text, error_description: text } },
    },
  },
};

/**
 * OAuth 2 for programs that know nothing else (A7). One grant and two ways of showing who one is: a controller over `jose`, and not the whole of an
 * OpenID provider (node-oidc-provider), whose sessions, interactions, storage adapters and own routes would have to be turned off one by one.
 */
@ApiTags('sessions')
@Step('issue-token')
@Public()
@Controller()
export class IssueTokenController {
  constructor(
    private readonly issueToken: IssueToken,
    private readonly limits: RateLimits,
    private readonly refusals: Refusals,
    private readonly options: AuthOptions,
  ) {}

  @Post('oauth2/token')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @Header('Pragma', 'no-cache')
  @ApiOperation({
    summary: 'A7: a bearer token for a key that an administrator marked bearer (RFC 6749 4.4)',
    description:
      'The client shows itself by HTTP Basic (access key and secret) or by private_key_jwt (RFC 7523). Which calls take the token is shown by their security; it sees packets of the data types in its scope, and nothing else.',
  })
  // Basic, or an assertion in the form.
  @ApiSecurity('client')
  @ApiSecurity({})
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['grant_type'],
      properties: {
        grant_type: { ...text, enum: ['client_credentials'] },
        scope: { ...text, description: 'Data services, separated by spaces; all that are granted without it' },
        client_assertion_type: text,
        client_assertion: text,
      },
    },
  })
  @ApiOkResponse({
    description: 'RFC 6749 5.1',
    schema: {
      type: 'object',
      required: ['access_token', 'token_type', 'expires_in', 'scope'],
      additionalProperties: false,
      properties: { access_token: text, token_type: text, expires_in: { type: 'integer' }, scope: text },
    },
  })
  @ApiResponse({ status: 400, ...OAUTH_ERROR })
  @ApiResponse({ status: 401, ...OAUTH_ERROR })
  async token(
    @Body() body: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Req() req: Request,
    @Res({ passthrough: true }) res: Response,
  ): Promise<TokenAnswer | { error: string; error_description: string }> {
    const form = body instanceof URLSearchParams ? body : new URLSearchParams();
    const named = clientNamed(form, authorization).slice(0, 64);
    await this.limits.ofFailures(named, req, res);
    try {
      return await this.issueToken.issue(form, authorization);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      res.status(error.status);
      if (error.code === 'invalid_client') {
        await this.limits.countFailure(named, req);
        this.refusals.ofUnproven(named, error.code);
        res.set('WWW-Authenticate', 'Basic realm="lienthong", charset="UTF-8"');
      }
      return { error: error.code, error_description: error.message };
    }
  }

  @Get('.well-known/oauth-authorization-server')
  @Header('Cache-Control', 'public, max-age=300')
  @ApiOperation({ summary: 'What the token endpoint takes (RFC 8414)' })
  @ApiOkResponse({ description: 'Metadata', schema: { type: 'object' } })
  metadata(): Record<string, unknown> {
    const { publicUrl: issuer } = this.options;
    return {
      issuer,
      token_endpoint: `${issuer}/oauth2/token`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      response_types_supported: [],
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['PS512', 'RS256'],
      service_documentation: `${issuer}/docs`,
    };
  }
}
