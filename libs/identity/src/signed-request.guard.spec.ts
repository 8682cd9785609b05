import { LienThongError } from '@lienthong/contracts';
import type { ReceivedRequest } from '@lienthong/signing';
import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Caller } from './caller';
import { Administrator, Public } from './decorators';
import { SignedRequestGuard } from './signed-request.guard';

class Routes {
  plain() {}
  @Public() open() {}
  @Administrator() admin() {}
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

function call(handler: () => void, of: object, who: Caller | LienThongError = caller, type = 'http') {
  const request: Record<string, unknown> = {
    method: 'GET',
    url: '/x',
    originalUrl: '/v1/x?q=1',
    rawHeaders: ['A', 'b'],
    rawBody: undefined,
  };
  const received: ReceivedRequest[] = [];
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
    switchToHttp: () => ({ getRequest: () => request, getResponse: () => ({}) }),
  } as unknown as ExecutionContext;
  const limits = { ofKey: async (accessKey: string) => void counted.push(accessKey) };
  const refused: unknown[] = [];
  const bearers = { authenticate: async () => caller, assertInScope: async () => undefined };
  const refusals = {
    ofCaller: async ({ keyId }: Pick<Caller, 'keyId'>, _request: unknown, code: string) =>
      void refused.push([keyId, code]),
    ofStranger: (_headers: readonly string[], error: unknown) => void refused.push((error as LienThongError).code),
  };
  const guard = new SignedRequestGuard({ authenticate }, new Reflector(), limits, bearers, refusals);
  return { request, received, counted, refused, result: guard.canActivate(context) };
}

const { plain, open, admin } = Routes.prototype;

describe('SignedRequestGuard', () => {
  it('authenticates the raw request and leaves the caller on it', async () => {
    const { request, received, counted, result } = call(plain, Routes);
    expect(await result).toBe(true);
    expect(received).toEqual([{ method: 'GET', target: '/v1/x?q=1', rawHeaders: ['A', 'b'], body: null }]);
    expect(request.caller).toBe(caller);
    expect(counted).toEqual(['AK1']);
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
