import { LienThongError } from '@lienthong/contracts';
import type { ReceivedRequest } from '@lienthong/signing';
import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Caller } from './caller';
import { Administrator, type BearerScope, BearerToo, Public } from './decorators';
import { SignedRequestGuard } from './signed-request.guard';

class Routes {
  plain() {}
  @Public() open() {}
  @Administrator() admin() {}
  @BearerToo() item() {}
  @BearerToo('all') all() {}
}
@Administrator()
class AdminRoutes {
  list() {}
}

const caller: Caller = {
  systemId: 'H01/a',
  accessKey: 'AK1',
  keyId: 'AK1',
  alg: 'hmac-sha256',
  administrator: false,
  request: { method: 'GET', path: '/v1/x', signatureInput: '', signature: '', alg: 'hmac-sha256', keyId: 'AK1' },
};

function call(
  handler: () => void,
  of: object,
  who: Caller | LienThongError = caller,
  type = 'http',
  headers: Record<string, string> = {},
  outOfScope = false,
) {
  const request: Record<string, unknown> = {
    method: 'GET',
    url: '/x',
    originalUrl: '/v1/x?q=1',
    rawHeaders: ['A', 'b'],
    rawBody: undefined,
    headers,
  };
  const received: ReceivedRequest[] = [];
  const answered: Record<string, string> = {};
  const scopes: BearerScope[] = [];
  const counted: string[] = [];
  const authenticate = async (given: ReceivedRequest) => {
    received.push(given);
    if (who instanceof LienThongError) throw who;
    return who;
  };
  const context = {
    getType: () => type,
    getHandler: () => handler,
    getClass: () => of,
    switchToHttp: () => ({
      getRequest: () => request,
      getResponse: () => ({ setHeader: (name: string, value: string) => (answered[name] = value) }),
    }),
  } as unknown as ExecutionContext;
  const limits = { ofKey: async (accessKey: string) => void counted.push(accessKey) };
  const refused: unknown[] = [];
  const bearers = {
    authenticate: async () => {
      if (who instanceof LienThongError) throw who;
      return who;
    },
    assertInScope: async (_caller: unknown, _request: unknown, scope: BearerScope) => {
      scopes.push(scope);
      if (outOfScope) throw new LienThongError('insufficient_scope');
    },
  };
  const refusals = {
    ofRequest: ({ keyId }: Pick<Caller, 'keyId'>, _request: unknown, { code }: LienThongError) =>
      Promise.resolve(void refused.push([keyId, code])),
    ofStranger: (_headers: readonly string[], error: unknown) => void refused.push((error as LienThongError).code),
  };
  const guard = new SignedRequestGuard({ authenticate }, new Reflector(), limits, bearers, refusals);
  // As the filter that answers errors does.
  const result = guard.canActivate(context).catch(async (thrown: unknown) => {
    await (request.onRefused as ((thrown: unknown) => Promise<void>) | undefined)?.(thrown);
    throw thrown;
  });
  return { request, received, counted, refused, scopes, answered, result };
}

const { plain, open, admin, item, all } = Routes.prototype;
const TOKEN = { authorization: 'Bearer a.b.c' };

describe('SignedRequestGuard', () => {
  it('authenticates the raw request and leaves the caller on it', async () => {
    const { request, received, counted, result } = call(plain, Routes);
    expect(await result).toBe(true);
    expect(received).toEqual([{ method: 'GET', target: '/v1/x?q=1', rawHeaders: ['A', 'b'], body: null }]);
    expect(request.caller).toBe(caller);
    expect(counted).toEqual(['AK1']);
  });

  it('keeps a record of what its handler refuses a verified caller, and of nothing before', async () => {
    const { request, refused, result } = call(plain, Routes);
    await result;
    const onRefused = request.onRefused as (thrown: unknown) => Promise<void> | undefined;
    await onRefused(new LienThongError('not_found'));
    expect(onRefused(new TypeError('a fault of ours'))).toBeUndefined();
    expect(refused).toEqual([['AK1', 'not_found']]);
    const stranger = call(plain, Routes, new LienThongError('signature_missing'));
    await expect(stranger.result).rejects.toMatchObject({ code: 'signature_missing' });
    expect(stranger.request.onRefused).toBeUndefined();
  });

  it('refuses what the authenticator refuses, and counts it against no key: whose name stands in it has not sent it', async () => {
    const { result, counted, refused } = call(plain, Routes, new LienThongError('signature_missing'));
    await expect(result).rejects.toMatchObject({ code: 'signature_missing' });
    expect(refused).toEqual(['signature_missing']);
    expect(counted).toEqual([]);
  });

  it('lets everyone to a public route, and tasks of a queue, without looking', async () => {
    for (const { received, result } of [call(open, Routes), call(plain, Routes, caller, 'rpc')]) {
      expect(await result).toBe(true);
      expect(received).toEqual([]);
    }
  });

  it('takes a token where the route says so, unless the request is signed', async () => {
    for (const [handler, scope] of [[item, 'item'] as const, [all, 'all'] as const]) {
      const { received, scopes, counted, result } = call(handler, Routes, caller, 'http', TOKEN);
      expect(await result).toBe(true);
      expect([received, scopes, counted]).toEqual([[], [scope], ['AK1']]);
    }
    const signed = call(item, Routes, caller, 'http', { ...TOKEN, signature: 'sig=:x:' });
    expect(await signed.result).toBe(true);
    expect([signed.received.length, signed.scopes]).toEqual([1, []]);
  });

  it('says of a token why it is refused: on this route, as it is, or for what it names', async () => {
    const elsewhere = call(plain, Routes, caller, 'http', TOKEN);
    await expect(elsewhere.result).rejects.toMatchObject({ code: 'token_not_accepted', params: { what: 'GET /v1/x' } });
    expect([elsewhere.received, elsewhere.refused]).toEqual([[], ['token_not_accepted']]);
    const wrong = call(item, Routes, new LienThongError('token_invalid'), 'http', TOKEN);
    await expect(wrong.result).rejects.toMatchObject({ code: 'token_invalid' });
    expect(wrong.answered).toEqual({ 'WWW-Authenticate': 'Bearer realm="lienthong", error="invalid_token"' });
    const narrow = call(all, Routes, caller, 'http', TOKEN, true);
    await expect(narrow.result).rejects.toMatchObject({ code: 'insufficient_scope' });
    expect(narrow.answered).toEqual({ 'WWW-Authenticate': 'Bearer realm="lienthong", error="insufficient_scope"' });
    expect(narrow.refused).toEqual([['AK1', 'insufficient_scope']]);
  });

  it('lets only administrators to their routes, marked one by one or all of a controller', async () => {
    const refused = { code: 'access_denied', params: { what: 'GET /v1/x' } };
    const attempt = call(admin, Routes);
    await expect(attempt.result).rejects.toMatchObject(refused);
    expect(attempt.refused).toEqual([['AK1', 'access_denied']]);
    await expect(call(AdminRoutes.prototype.list, AdminRoutes).result).rejects.toMatchObject(refused);
    const administrator = { ...caller, systemId: null, administrator: true };
    expect(await call(admin, Routes, administrator).result).toBe(true);
  });
});
