import { PACKET_STATES, type PacketState } from '@lienthong/contracts';
import { type Caller, SessionKeys } from '@lienthong/identity';
import { OpenSession } from './open-session';

const caller: Caller = {
  systemId: 'H01.14/qlvb',
  accessKey: 'AK1',
  keyId: 'AK1',
  alg: 'hmac-sha256',
  administrator: false,
  request: {
    method: 'POST',
    path: '/v1/sessions',
    signatureInput: '',
    signature: '',
    alg: 'hmac-sha256',
    keyId: 'AK1',
  },
};
/** The database's clock, which is not the process's. */
const NOW = Date.now() + 1234;
const SESSION = '0197f0aa-0000-7000-8000-000000000001';
const outgoing = Object.fromEntries(PACKET_STATES.map((state, n) => [state, n])) as Record<PacketState, number>;

function platform(keyExpiresAt: Date | null = null) {
  const opened: { accessKey: string; systemId: string | null; at: number; expiresAt: Date }[] = [];
  const ended: string[] = [];
  const key = { expiresAt: keyExpiresAt } as NonNullable<
    Awaited<ReturnType<ConstructorParameters<typeof OpenSession>[3]['find']>>
  >;
  const system = {
    id: 'H01.14/qlvb',
    agencyCode: 'H01.14',
    name: 'QLVB',
    receives: [],
    contact: null,
    default: false,
    suspendedAt: null,
    createdAt: '',
  };
  const agency = {
    code: 'H01.14',
    name: 'Sở Nội vụ',
    parentCode: null,
    aliases: [],
    contact: null,
    successorCode: null,
    dissolvedAt: null,
    createdAt: '',
  };
  const sessionKeys = new SessionKeys({ of: async (day) => Buffer.from(day) });
  const step = new OpenSession(
    {
      decide: async (source, destination) => ({ source: source!, destination }),
      grant: async ({ destination, sessionId, expiresAt }) => ({
        destination,
        accessToken: `of ${sessionId}`,
        expiresAt: expiresAt.toISOString(),
      }),
    },
    {
      open: async (session) => {
        opened.push(session);
        return SESSION;
      },
      end: async (id) => void ended.push(id),
    },
    sessionKeys,
    { find: async () => key },
    { forget: () => void ended.push('forgotten') },
    { find: async () => system },
    { find: async () => agency },
    { countsOf: async () => outgoing },
    { waitingCount: async () => 7, waiting: async () => [] },
    { now: () => NOW },
  );
  return { opened, ended, sessionKeys, step };
}

describe('open-session', () => {
  it('answers with the session and where both sides of the exchange stand', async () => {
    const { step, sessionKeys } = platform();
    const answer = await step.open(caller);
    expect(answer).toMatchObject({
      sessionId: SESSION,
      sessionKey: await sessionKeys.of(SESSION),
      system: { id: 'H01.14/qlvb', name: 'QLVB', agencyCode: 'H01.14', agencyName: 'Sở Nội vụ' },
      outgoing,
      incoming: { pending: 7, items: [] },
    });
    expect(Date.parse(answer.expiresAt) - Date.parse(answer.serverTime)).toBe(3_600_000);
  });

  it('ends the session with the key at the latest', async () => {
    const soon = new Date(Date.now() + 60_000);
    const { step, opened } = platform(soon);
    expect((await step.open(caller)).expiresAt).toBe(soon.toISOString());
    expect(opened).toEqual([{ accessKey: 'AK1', systemId: 'H01.14/qlvb', at: NOW, expiresAt: soon }]);
  });

  it('gives the right to call a destination with the session, when one is named', async () => {
    expect((await platform().step.open(caller)).access).toBeUndefined();
    const { access, expiresAt } = await platform().step.open(caller, 'H01.20/qlvb');
    expect(access).toEqual({ destination: 'H01.20/qlvb', accessToken: `of ${SESSION}`, expiresAt });
  });

  it('keeps its shape for an administrator, who belongs to no system', async () => {
    const answer = await platform().step.open({ ...caller, systemId: null, administrator: true });
    expect(answer.system.id).toBe('administrator');
    expect(Object.values(answer.outgoing)).toEqual(PACKET_STATES.map(() => 0));
    expect(answer.incoming).toEqual({ pending: 0, items: [] });
  });

  it('does not let a session beget the next', async () => {
    const { step, opened } = platform();
    await expect(step.open({ ...caller, sessionId: SESSION })).rejects.toMatchObject({ code: 'access_denied' });
    expect(opened).toEqual([]);
  });

  it('closes the session that the request was signed with, and forgets it here at once', async () => {
    const { step, ended } = platform();
    await step.close({ ...caller, sessionId: SESSION });
    expect(ended).toEqual([SESSION, 'forgotten']);
    await expect(step.close(caller)).rejects.toMatchObject({ code: 'not_found' });
  });
});
