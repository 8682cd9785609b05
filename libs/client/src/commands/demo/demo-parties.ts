import { LienThongError } from '@lienthong/contracts';
import type { LienThongClient } from '../../client';
import type { CliContext } from '../../terminal/cli-context';
import type { DemoStep } from './demo';

interface Party {
  code: string;
  name: string;
  systemId: string;
}

const SOURCE: Party = { code: 'H01.14', name: 'Sở Nội vụ (demo)', systemId: 'H01.14/demo' };
const DESTINATION: Party = { code: 'H01.20', name: 'Sở Tài chính (demo)', systemId: 'H01.20/demo' };
const DATA_TYPE = 'file';

/**
 * The two agencies of the demonstration, with a system each, the right to send, and fresh keys, which are revoked at the end. Whatever is
 * there already, under the same codes, is used as it is.
 */
export class DemoParties {
  readonly source = SOURCE;
  readonly destination = DESTINATION;
  readonly dataType = DATA_TYPE;
  private admin: LienThongClient['admin'] | undefined;
  private readonly issued: { systemId: string; accessKey: string }[] = [];
  private readonly connected: Partial<Record<string, LienThongClient>> = {};

  constructor(private readonly cli: CliContext) {}

  async prepare(told: (step: DemoStep) => void): Promise<void> {
    const { say } = this.cli;
    const started = performance.now();
    const { baseUrl, credentials } = await this.cli.settings({ adminKey: true });
    const { admin } = this.cli.connect({ baseUrl, ...credentials, session: false });
    this.admin = admin;
    for (const { code, name, systemId } of [SOURCE, DESTINATION]) {
      await orThere(admin.agencies.create({ code, name }));
      await orThere(admin.systems.create({ id: systemId, name: `${name}`, receives: [DATA_TYPE] }));
    }
    if (!(await this.granted(admin))) {
      await orThere(admin.grants.create({ from: SOURCE.systemId, to: DESTINATION.systemId, dataTypes: [DATA_TYPE] }));
    }
    for (const { systemId } of [SOURCE, DESTINATION]) {
      const { accessKey, secretKey } = await admin.keys.issue(systemId, { algorithms: ['hmac-sha256'] });
      this.issued.push({ systemId, accessKey });
      this.connected[systemId] = this.cli.connect({ baseUrl, accessKey, secretKey });
    }
    const text = say(
      `Hai cơ quan, hai hệ thống, quyền gửi và khóa: ${SOURCE.name} → ${DESTINATION.name}`,
      `Two agencies, two systems, a grant and keys: ${SOURCE.name} → ${DESTINATION.name}`,
    );
    told({ step: 'A0', text, ms: Math.round(performance.now() - started) });
  }

  clientOf({ systemId }: Party): LienThongClient {
    const client = this.connected[systemId];
    if (!client) throw new Error(`${systemId} is not prepared`);
    return client;
  }

  /** Keys of a demonstration must not stay behind. */
  async leave(): Promise<void> {
    await Promise.allSettled(Object.values(this.connected).map((client) => client?.sessions.close()));
    for (const { systemId, accessKey } of this.issued) {
      await this.admin?.keys.revoke(systemId, accessKey).catch((error: unknown) => {
        this.cli.out.note(
          this.cli.say(
            `Chưa thu hồi được khóa ${accessKey}: ${String(error)}`,
            `The key ${accessKey} could not be revoked: ${String(error)}`,
          ),
        );
      });
    }
  }

  private async granted(admin: LienThongClient['admin']): Promise<boolean> {
    for await (const { from, to, dataTypes } of admin.grants.list()) {
      if (from === SOURCE.systemId && to === DESTINATION.systemId && dataTypes.includes(DATA_TYPE)) return true;
    }
    return false;
  }
}

async function orThere(creating: Promise<unknown>): Promise<void> {
  await creating.catch((error: unknown) => {
    if (!(error instanceof LienThongError && error.code === 'already_exists')) throw error;
  });
}
