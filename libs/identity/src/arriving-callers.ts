import { Admission } from '@lienthong/runtime';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Authenticator } from './authenticator';
import { BearerTokens, bearerTokenOf } from './keys/bearer-tokens';

/**
 * Who sends a request, for its place in line (P19): proven by its headers, before its body is read. Whoever only knows the access key of a system, and sends
 * slow or wrong requests in its name, so takes no slot of it; nor does who sends its requests again, since their nonces are used.
 */
@Injectable()
export class ArrivingCallers implements OnModuleInit {
  constructor(
    @Inject(Admission) private readonly admission: Pick<Admission, 'knowBy'>,
    @Inject(Authenticator) private readonly authenticator: Pick<Authenticator, 'recognise'>,
    @Inject(BearerTokens) private readonly bearers: Pick<BearerTokens, 'authenticate'>,
  ) {}

  onModuleInit(): void {
    this.admission.knowBy((request) => this.recognise(request));
  }

  /** @returns the system, with all its keys, sessions and addresses, or the key of an administrator; undefined when nothing is proven, which the guard gives the reason of */
  async recognise(request: IncomingMessage & { originalUrl: string; method: string }): Promise<string | undefined> {
    const { method, originalUrl: target, rawHeaders } = request;
    const token = bearerTokenOf(request);
    try {
      const { systemId, accessKey } = await (token === undefined
        ? this.authenticator.recognise({ method, target, rawHeaders }, () => request.complete)
        : this.bearers.authenticate(token, request));
      return systemId ?? accessKey;
    } catch {
      return undefined;
    }
  }
}
