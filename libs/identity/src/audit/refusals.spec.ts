import { LienThongError, type Refusal } from '@lienthong/contracts';
import { currentActor, type NewAuditEntry } from '@lienthong/persistence';
import { Refusals } from './refusals';

describe('refusals in the audit log', () => {
  function log() {
    const written: (NewAuditEntry & { actor: string })[] = [];
    let broken = false;
    const audit = {
      record: async (entries: NewAuditEntry[]) => {
        if (broken) throw new Error('away');
        written.push(...entries.map((entry) => ({ ...entry, actor: currentActor().actor })));
      },
    };
    const errors: string[] = [];
    const refusals = new Refusals(audit, { error: (_, text) => void errors.push(String(text)), info: () => undefined });
    return { written, errors, refusals, setBroken: (value: boolean) => (broken = value) };
  }
  const headers = (keyId: string) => ['Host', 'x', 'Signature-Input', `sig1=("@method");keyid="${keyId}";nonce="n"`];
  const invalid = new LienThongError('signature_invalid');
  const caller = { keyId: 'AK1', systemId: 'H01.14/qlvb' };
  const packetId = '0197a1b2-7c33-7d00-8000-0123456789ab';

  it('name the caller that was verified, its route and what it asked for, one entry each', async () => {
    const { written, refusals } = log();
    const request = {
      method: 'GET',
      originalUrl: `/v1/packets/${packetId}?x`,
      route: { path: '/v1/packets/:packetId' },
      params: { packetId },
    };
    await refusals.ofCaller(caller, request, 'not_found');
    await refusals.ofCaller(caller, { ...request, route: undefined, params: { packetId: 'x' } }, 'access_denied');
    expect(written).toEqual([
      {
        actor: 'AK1',
        action: 'access.refused',
        subject: 'GET /v1/packets/:packetId',
        packetId,
        detail: { code: 'not_found' },
      },
      {
        actor: 'AK1',
        action: 'access.refused',
        subject: `GET /v1/packets/${packetId}`,
        detail: { code: 'access_denied' },
      },
    ]);
  });

  it('tell to whom a caller may not send: the number for each reason, and the names of those that were not granted', async () => {
    const { written, refusals } = log();
    const request = { method: 'POST', originalUrl: '/v1/packets' };
    const recipient = (address: string, reason?: Refusal, systemId: string | null = null) => ({
      address,
      systemId,
      allowed: !reason,
      reason,
      routedBy: null,
    });
    const good = recipient('H01.15', undefined, 'H01.15/qlvb');
    await refusals.ofRecipients(caller, request, [good]);
    await refusals.ofRecipients(caller, request, [good, recipient('H01.15', 'duplicate_recipient', 'H01.15/qlvb')]);
    expect(written).toEqual([]);
    const many = Array.from({ length: 30 }, (_, n) => recipient(`H02.${n}`, 'not_granted', `H02.${n}/qlvb`));
    await refusals.ofRecipients(caller, request, [good, recipient('Ông Nguyễn Văn A', 'unknown_recipient'), ...many]);
    expect(written).toEqual([
      {
        actor: 'AK1',
        action: 'access.refused',
        subject: 'POST /v1/packets',
        detail: {
          code: 'recipients_refused',
          reasons: { unknown_recipient: 1, not_granted: 30 },
          notGranted: many.slice(0, 20).map(({ systemId }) => systemId),
        },
      },
    ]);
  });

  it('stay refusals when they cannot be recorded', async () => {
    const { errors, refusals, setBroken } = log();
    setBroken(true);
    await refusals.ofCaller(caller, { method: 'GET', originalUrl: '/' }, 'not_found');
    expect(errors).toEqual(['refusal not recorded']);
  });

  it('are only counted, per key and code, for who proved nothing', async () => {
    const { written, refusals } = log();
    for (let n = 0; n < 1000; n++) refusals.ofStranger(headers('AK1'), invalid);
    refusals.ofStranger(headers('AK1'), new LienThongError('replayed_request'));
    refusals.ofStranger(['Host', 'x'], new LienThongError('signature_missing'));
    refusals.ofStranger(headers('AK1'), new LienThongError('unavailable', { what: 'auth', retryAfter: 1 }));
    await refusals.write();
    await refusals.write();
    expect(written.map(({ actor, subject, detail }) => [actor, subject, detail])).toEqual([
      ['unverified', 'AK1', { code: 'signature_invalid', count: 1000, verified: false }],
      ['unverified', 'AK1', { code: 'replayed_request', count: 1, verified: false }],
      ['unverified', 'none', { code: 'signature_missing', count: 1, verified: false }],
    ]);
  });

  it('are counted by what a request says of its key without a signature too, if that may be the name of one', async () => {
    const { written, refusals } = log();
    for (const said of ['AK1', 'AK1', '', 'A K', 'x'.repeat(65), 'a"b']) refusals.ofUnproven(said, 'invalid_client');
    await refusals.write();
    expect(written.map(({ subject, detail }) => [subject, detail?.count])).toEqual([
      ['AK1', 2],
      ['none', 4],
    ]);
  });

  it('take no more room for a million keys than for two hundred', async () => {
    const { written, refusals } = log();
    for (let n = 0; n < 5000; n++) refusals.ofStranger(headers(`AK${n}`), invalid);
    await refusals.write();
    expect(written).toHaveLength(201);
    expect(written.at(-1)).toMatchObject({ subject: 'others', detail: { count: 4800 } });
  });

  it('are counted on while the database is away', async () => {
    const { written, refusals, setBroken } = log();
    refusals.ofStranger(headers('AK1'), invalid);
    setBroken(true);
    await expect(refusals.write()).rejects.toThrow('away');
    refusals.ofStranger(headers('AK1'), invalid);
    setBroken(false);
    await refusals.write();
    expect(written).toMatchObject([{ subject: 'AK1', detail: { count: 2 } }]);
  });
});
