import {
  AgencyStore,
  GrantStore,
  KeyStore,
  SessionStore,
  SystemStore,
  secretContext,
  Transactions,
} from '@lienthong/persistence';
import { type TestDatabase, testDatabase } from '../../support/database';

describe('the registry on PostgreSQL', () => {
  let database: TestDatabase;
  let agencies: AgencyStore;
  let systems: SystemStore;
  let grants: GrantStore;
  let keys: KeyStore;
  let sessions: SessionStore;

  beforeAll(async () => {
    database = await testDatabase();
    const transactions = new Transactions(database.dataSource);
    agencies = new AgencyStore(transactions);
    systems = new SystemStore(transactions);
    grants = new GrantStore(transactions);
    keys = new KeyStore(transactions);
    sessions = new SessionStore(transactions);
    await agencies.create({ code: 'H01', name: 'UBND tỉnh' });
  }, 60_000);
  afterAll(() => database?.drop());

  const code = (error: string) => expect.objectContaining({ code: error });
  const count = async (sql: string) => Number((await database.dataSource.query<{ n: string }[]>(sql))[0].n);

  it('has entities and migrations that agree', async () => {
    const { upQueries } = await database.dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  describe('agencies', () => {
    it('are found by every form of their code and give out their own', async () => {
      const created = await agencies.create({
        code: 'H01.14',
        name: 'Sở Nội vụ',
        parentCode: 'H01',
        aliases: ['000.00.14.H01', 'H01.14'],
        contact: { name: 'A', email: 'a@example.gov.vn' },
      });
      expect(created).toMatchObject({
        code: 'H01.14',
        parentCode: 'H01',
        aliases: ['000.00.14.H01'],
        dissolvedAt: null,
      });
      expect(await agencies.find('000.00.14.H01')).toEqual(created);
      expect(await agencies.find('H01.14')).toEqual(created);
      expect(await agencies.find('H01.15')).toBeUndefined();
    });

    it('cannot share a form of a code, whichever of them has it as its own', async () => {
      await expect(agencies.create({ code: 'H01.14', name: 'x' })).rejects.toEqual(code('already_exists'));
      await expect(agencies.create({ code: '000.00.14.H01', name: 'x' })).rejects.toEqual(code('already_exists'));
      await expect(agencies.create({ code: 'H01.16', name: 'x', aliases: ['H01.14'] })).rejects.toEqual(
        expect.objectContaining({ code: 'already_exists', params: { what: 'H01.14' } }),
      );
      expect(await agencies.find('H01.16')).toBeUndefined();
    });

    it('are made once, however many ask at the same moment', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, () => agencies.create({ code: 'H01.88', name: 'x', aliases: ['000.00.88.H01'] })),
      );
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))).toEqual(
        Array.from({ length: 7 }, () => code('already_exists')),
      );
    });

    it('change name, parent, successor, aliases and can be dissolved and restored', async () => {
      await agencies.create({ code: 'H01.20', name: 'cũ', aliases: ['000.00.20.H01'] });
      const changed = await agencies.change('000.00.20.H01', {
        name: 'mới',
        parentCode: '000.00.14.H01',
        successorCode: 'H01.14',
        aliases: ['000.00.21.H01'],
        dissolved: true,
      });
      expect(changed).toMatchObject({
        name: 'mới',
        parentCode: 'H01.14',
        successorCode: 'H01.14',
        aliases: ['000.00.21.H01'],
      });
      expect(changed.dissolvedAt).toMatch(/^\d{4}-.*Z$/);
      expect(await agencies.find('000.00.20.H01')).toBeUndefined();
      expect(await agencies.find('000.00.21.H01')).toEqual(changed);
      const restored = await agencies.change('H01.20', {
        dissolved: false,
        successorCode: null,
        parentCode: null,
        aliases: [],
      });
      expect(restored).toMatchObject({
        dissolvedAt: null,
        successorCode: null,
        parentCode: null,
        aliases: [],
        name: 'mới',
      });
    });

    it('refuse an unknown parent or successor, and a parent below themselves', async () => {
      await expect(agencies.create({ code: 'H01.21', name: 'x', parentCode: 'H99' })).rejects.toEqual(
        code('unknown_reference'),
      );
      await expect(agencies.change('H01.14', { successorCode: 'H99' })).rejects.toEqual(code('unknown_reference'));
      await expect(agencies.change('H01', { parentCode: 'H01.14' })).rejects.toEqual(code('validation_failed'));
      await expect(agencies.change('H01', { parentCode: 'H01' })).rejects.toEqual(code('validation_failed'));
      await expect(agencies.change('H77', { name: 'x' })).rejects.toEqual(code('not_found'));
    });

    it('are listed page by page in the order of their codes', async () => {
      const codes: string[] = [];
      for (let after: string | undefined = ''; after !== undefined;) {
        const page = await agencies.list({ after, limit: 2 });
        codes.push(...page.map((agency) => agency.code));
        after = page.at(-1)?.code;
      }
      expect(codes).toEqual(['H01', 'H01.14', 'H01.20', 'H01.88']);
    });
  });

  describe('systems', () => {
    it('take either form of the code and carry the own one of the agency', async () => {
      const created = await systems.create({ id: '000.00.14.H01/qlvb', name: 'QLVB', receives: ['edxml.document'] });
      expect(created).toMatchObject({ id: 'H01.14/qlvb', agencyCode: 'H01.14', default: false, suspendedAt: null });
      expect(await systems.find('000.00.14.H01/qlvb')).toEqual(created);
      await expect(systems.create({ id: 'H01.14/qlvb', name: 'x', receives: [] })).rejects.toEqual(
        code('already_exists'),
      );
      await expect(systems.create({ id: 'H99/qlvb', name: 'x', receives: [] })).rejects.toEqual(
        code('unknown_reference'),
      );
    });

    it('have one default in an agency: a new one takes the place of the old', async () => {
      await systems.create({ id: 'H01.14/a', name: 'A', receives: [], default: true });
      await systems.create({ id: 'H01.14/b', name: 'B', receives: [], default: true });
      const defaults = async () =>
        (await systems.list({ agency: '000.00.14.H01', limit: 9 })).filter((s) => s.default).map((s) => s.id);
      expect(await defaults()).toEqual(['H01.14/b']);
      await systems.change('H01.14/a', { default: true });
      expect(await defaults()).toEqual(['H01.14/a']);
      await Promise.all(['a', 'b', 'qlvb'].map((slug) => systems.change(`H01.14/${slug}`, { default: true })));
      expect(await defaults()).toHaveLength(1);
    });

    it('are suspended and released, renamed, and change what they receive', async () => {
      const suspended = await systems.change('000.00.14.H01/b', { suspended: true, name: 'B2', receives: ['x.y'] });
      expect(suspended).toMatchObject({ id: 'H01.14/b', name: 'B2', receives: ['x.y'] });
      expect(suspended.suspendedAt).not.toBeNull();
      expect((await systems.change('H01.14/b', { suspended: false })).suspendedAt).toBeNull();
      await expect(systems.change('H01.14/none', { name: 'x' })).rejects.toEqual(code('not_found'));
      await expect(systems.change('H77/none', { name: 'x' })).rejects.toEqual(code('not_found'));
    });
  });

  describe('grants', () => {
    it('name agencies and systems that are on record, by their own codes', async () => {
      const grant = await grants.create({
        from: '000.00.14.H01/qlvb',
        to: '000.00.14.H01',
        dataTypes: ['a.b', 'a.b', '*'],
      });
      expect(grant).toMatchObject({ from: 'H01.14/qlvb', to: 'H01.14', dataTypes: ['a.b', '*'] });
      await expect(grants.create({ from: 'H99', to: '*', dataTypes: ['*'] })).rejects.toEqual(
        code('unknown_reference'),
      );
      await expect(grants.create({ from: '*', to: 'H01.14/none', dataTypes: ['*'] })).rejects.toEqual(
        code('unknown_reference'),
      );
    });

    it('are listed newest first, by who sends and who receives, and removed', async () => {
      const any = await grants.create({ from: '*', to: '*', dataTypes: ['*'] });
      const all = await grants.list({ limit: 9 });
      expect(all.map((grant) => grant.from)).toEqual(['*', 'H01.14/qlvb']);
      expect((await grants.list({ limit: 9, before: any.grantId })).map((grant) => grant.from)).toEqual([
        'H01.14/qlvb',
      ]);
      expect((await grants.list({ limit: 9, from: '*' })).map((grant) => grant.to)).toEqual(['*']);
      expect(await grants.list({ limit: 9, from: '*', to: 'H01' })).toEqual([]);
      expect(await grants.remove(any.grantId)).toBe(true);
      expect(await grants.remove(any.grantId)).toBe(false);
    });
  });

  describe('keys and sessions', () => {
    const key = (accessKey: string, systemId: string | null = 'H01.14/qlvb') => ({
      accessKey,
      systemId,
      algorithms: ['hmac-sha256' as const],
      sealedSecret: Buffer.from(secretContext(accessKey, systemId)),
      publicKeyPem: null,
      bearer: false,
      expiresAt: null,
    });

    it('are found with the state of the system they belong to', async () => {
      await keys.add(key('AK1'));
      expect(await keys.find('AK1')).toMatchObject({
        accessKey: 'AK1',
        systemId: 'H01.14/qlvb',
        algorithms: ['hmac-sha256'],
        sealedSecret: key('AK1').sealedSecret,
        suspendedAt: null,
        revokedAt: null,
      });
      await systems.change('H01.14/qlvb', { suspended: true });
      expect((await keys.find('AK1'))?.suspendedAt).toBeInstanceOf(Date);
      await systems.change('H01.14/qlvb', { suspended: false });
      expect(await keys.find('AK2')).toBeUndefined();
    });

    it('cannot be both secret and public, nor neither', async () => {
      await expect(keys.add({ ...key('AKx'), sealedSecret: null })).rejects.toThrow('a_secret_or_a_public_key');
      await expect(keys.add({ ...key('AKx'), publicKeyPem: 'pem' })).rejects.toThrow('a_secret_or_a_public_key');
    });

    it('note their last use and never move it back', async () => {
      const [early, late] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-01T00:01:00Z')];
      await keys.touch(
        new Map([
          ['AK1', late],
          ['AKnone', late],
        ]),
      );
      await keys.touch(new Map([['AK1', early]]));
      expect((await keys.list('H01.14/qlvb'))[0].lastUsedAt).toBe(late.toISOString());
    });

    it('add up the uses of hmac-sha1 for each key, those of the last 30 days by themselves', async () => {
      const legacyUntil = new Date(Date.now() + 86_400_000);
      for (const name of ['AKweak', 'AKidle'])
        await keys.add({ ...key(name), algorithms: ['hmac-sha1' as const], legacyUntil });
      await keys.countLegacy(new Map([['AKweak', 2]]));
      await database.dataSource.query(`UPDATE legacy_uses SET day = day - 30 WHERE access_key = 'AKweak'`);
      await keys.countLegacy(new Map([['AKweak', 3]]));
      await keys.countLegacy(new Map([['AKweak', 4]]));
      const report = (await keys.legacy()).map(({ accessKey, uses30Days, usesInAll }) => [
        accessKey,
        uses30Days,
        usesInAll,
      ]);
      expect(report).toEqual([
        ['AKidle', 0, 0],
        ['AKweak', 7, 9],
      ]);
    });

    it('end the session with the key, and tell an ended session from an unknown one', async () => {
      await keys.add(key('AK3'));
      const expiresAt = new Date(Date.now() + 60_000);
      const at = Date.parse('2026-01-01T23:30:00Z');
      const id = await sessions.open({ accessKey: 'AK3', systemId: 'H01.14/qlvb', at, expiresAt });
      // Its day's key is told by its id, so that is of the clock that everybody goes by, not of this process's.
      expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(at);
      expect(await sessions.find(id)).toMatchObject({ accessKey: 'AK3', expiresAt, endedAt: null, keyRevokedAt: null });
      expect(await keys.revoke('H01.14/a', 'AK3')).toBe(false);
      expect(await keys.revoke('H01.14/qlvb', 'AK3')).toBe(true);
      expect((await sessions.find(id))?.keyRevokedAt).toBeInstanceOf(Date);
      await sessions.end(id);
      expect((await sessions.find(id))?.endedAt).toBeInstanceOf(Date);
    });

    it('make the first administrator once, and not at all when the key cannot be handed over', async () => {
      const cannot = () => {
        throw new Error('disk full');
      };
      await expect(keys.addFirstAdministrator(key('ADMIN0', null), cannot)).rejects.toThrow('disk full');
      expect(await keys.list(null)).toEqual([]);
      const handed: string[] = [];
      const made = await Promise.all(
        ['ADMIN1', 'ADMIN2', 'ADMIN3'].map((name) =>
          keys.addFirstAdministrator(key(name, null), () => void handed.push(name)),
        ),
      );
      expect(made.filter(Boolean)).toHaveLength(1);
      expect((await keys.list(null)).map((view) => view.accessKey)).toEqual(handed);
      expect((await keys.newestSealed()).map(({ accessKey }) => accessKey)).toContain(handed[0]);
    });
  });

  it('keeps what it wrote: every agency has its own code among the forms', async () => {
    expect(
      await count(
        `SELECT count(*) AS n FROM agencies a WHERE NOT EXISTS (SELECT 1 FROM agency_codes WHERE form = a.code AND agency_code = a.code)`,
      ),
    ).toBe(0);
  });
});
