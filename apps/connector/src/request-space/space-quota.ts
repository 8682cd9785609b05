import { LienThongError } from '@lienthong/contracts';
import { OpenSpaceStore } from '@lienthong/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { ConnectorOptions } from '../connector.config';

/** A minute: until then one of its uploads may be complete, or taken back. */
const RETRY_SECONDS = 60;

/**
 * No system may have more open than its quota, so that none can fill the store by asking. Counted on what was declared, before a byte arrives. Requests
 * of the same moment may pass it by as many as they are (invariant S17).
 */
@Injectable()
export class SpaceQuota {
  constructor(
    @Inject(OpenSpaceStore) private readonly open: Pick<OpenSpaceStore, 'of'>,
    @Inject(ConnectorOptions) private readonly options: Pick<ConnectorOptions, 'openSpaces'>,
  ) {}

  /** @param bytes of the parts that are asked for now @throws LienThongError quota_exceeded */
  async mustHaveRoom(source: string, bytes: number): Promise<void> {
    const { packets, bytes: most } = this.options.openSpaces;
    const open = await this.open.of(source, packets);
    if (open.spaces >= packets) throw exceeded('spaces', packets, open.spaces + 1);
    if (open.bytes + bytes > most) throw exceeded('bytes', most, open.bytes + bytes);
  }
}

const exceeded = (what: 'spaces' | 'bytes', limit: number, actual: number): LienThongError =>
  new LienThongError('quota_exceeded', { what, limit, actual, retryAfter: RETRY_SECONDS }, { limit, actual });
