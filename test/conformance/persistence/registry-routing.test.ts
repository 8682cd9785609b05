import type { Recipient } from '@lienthong/contracts';
import { AgencyStore, GrantStore, RoutingStore, SystemStore, Transactions } from '@lienthong/persistence';
import { type TestDatabase, testDatabase } from '../../support/database';

describe('routing on PostgreSQL', () => {
  let database: TestDatabase;
  let agencies: AgencyStore;
  let systems: SystemStore;
  let grants: GrantStore;
  let transactions: Transactions;
  let routing: RoutingStore;
  let statements = 0;

  beforeAll(async () => {
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
    agencies = new AgencyStore(transactions);
    systems = new SystemStore(transactions);
    grants = new GrantStore(transactions);
    routing = new RoutingStore({
      query: (sql, parameters) => {
        statements++;
        return transactions.query(sql, parameters);
      },
    });
    await agencies.create({ code: 'H01.01', name: 'Nguồn' });
    await systems.create({ id: 'H01.01/src', name: 'Nguồn', receives: [] });
    await agencies.create({ code: 'H01.14', name: 'Nội vụ', aliases: ['000.00.14.H01'] });
    await systems.create({ id: 'H01.14/qlvb', name: 'QLVB', receives: ['edxml.document'] });
    await systems.create({ id: 'H01.14/all', name: 'Khác', receives: [], default: true });
    await systems.create({ id: 'H01.14/motcua', name: 'Một cửa', receives: ['dossier.v1'] });
  }, 60_000);
  afterAll(() => database?.drop());

  const resolve = (addresses: string[], dataType = 'edxml.document') =>
    routing.resolve('H01.01/src', dataType, addresses);
  const short = (recipients: Recipient[]) =>
    recipients.map(({ address, systemId, routedBy, reason }) => [address, systemId, routedBy, reason ?? 'allowed']);

  it('refuses everything that nobody granted', async () => {
    expect(await resolve(['H01.14', 'H01.14/motcua', 'H01.14/none'], 'dossier.v1')).toEqual([
      { address: 'H01.14', systemId: 'H01.14/motcua', allowed: false, reason: 'not_granted', routedBy: 'dataType' },
      {
        address: 'H01.14/motcua',
        systemId: 'H01.14/motcua',
        allowed: false,
        reason: 'duplicate_recipient',
        routedBy: 'system',
      },
      { address: 'H01.14/none', systemId: null, allowed: false, reason: 'unknown_recipient', routedBy: null },
    ]);
  });

  it('sends a code, in either form, to the system that receives the data type, else to the default one', async () => {
    await grants.create({ from: 'H01.01', to: '*', dataTypes: ['*'] });
    expect(short(await resolve(['000.00.14.H01']))).toEqual([['000.00.14.H01', 'H01.14/qlvb', 'dataType', 'allowed']]);
    expect(short(await resolve(['H01.14'], 'other.type'))).toEqual([['H01.14', 'H01.14/all', 'default', 'allowed']]);
  });

  it('sends a system id to that system, if it receives the type or is the default one', async () => {
    expect(short(await resolve(['000.00.14.H01/qlvb', 'H01.14/all', 'H01.14/motcua']))).toEqual([
      ['000.00.14.H01/qlvb', 'H01.14/qlvb', 'system', 'allowed'],
      ['H01.14/all', 'H01.14/all', 'system', 'allowed'],
      ['H01.14/motcua', 'H01.14/motcua', null, 'data_type_not_received'],
    ]);
  });

  it('refuses the second of two addresses that end in the same system', async () => {
    expect(short(await resolve(['H01.14/qlvb', 'H01.14', '000.00.14.H01', 'H01.14/qlvb']))).toEqual([
      ['H01.14/qlvb', 'H01.14/qlvb', 'system', 'allowed'],
      ['H01.14', 'H01.14/qlvb', 'dataType', 'duplicate_recipient'],
      ['000.00.14.H01', 'H01.14/qlvb', 'dataType', 'duplicate_recipient'],
      ['H01.14/qlvb', 'H01.14/qlvb', 'system', 'duplicate_recipient'],
    ]);
  });

  it('follows successors, and says why when there is nothing at the end', async () => {
    await agencies.create({ code: 'H02', name: 'Đã sáp nhập' });
    await agencies.create({ code: 'H02.01', name: 'Không có hệ thống' });
    await agencies.create({ code: 'H02.02', name: 'Giải thể' });
    await agencies.create({ code: 'H02.03', name: 'Chỉ nhận hồ sơ' });
    await systems.create({ id: 'H02.03/hs', name: 'Hồ sơ', receives: ['dossier.v1'] });
    await systems.create({ id: 'H02/cu', name: 'Cũ', receives: ['edxml.document'] });
    expect(short(await resolve(['H02']))).toEqual([['H02', 'H02/cu', 'dataType', 'allowed']]);
    await agencies.change('H02', { successorCode: 'H01.14', dissolved: true });
    await agencies.change('H02.02', { dissolved: true });
    expect(short(await resolve(['H02', 'H02/cu', 'H02.01', 'H02.02', 'H02.03', 'H77']))).toEqual([
      ['H02', 'H01.14/qlvb', 'successor', 'allowed'],
      ['H02/cu', 'H02/cu', null, 'agency_dissolved'],
      ['H02.01', null, null, 'no_system'],
      ['H02.02', null, null, 'agency_dissolved'],
      ['H02.03', null, null, 'data_type_not_received'],
      ['H77', null, null, 'unknown_recipient'],
    ]);
  });

  it('comes out of a loop of successors, and follows no more than five', async () => {
    for (let n = 10; n <= 17; n++) await agencies.create({ code: `H03.${n}`, name: `Cơ quan ${n}` });
    for (let n = 10; n <= 16; n++) await agencies.change(`H03.${n}`, { successorCode: `H03.${n + 1}` });
    await systems.create({ id: 'H03.17/s', name: 'S', receives: ['edxml.document'] });
    expect(short(await resolve(['H03.12', 'H03.11']))).toEqual([
      ['H03.12', 'H03.17/s', 'successor', 'allowed'],
      ['H03.11', null, null, 'no_system'],
    ]);
    await agencies.change('H03.11', { successorCode: 'H03.10' });
    expect(short(await resolve(['H03.10']))).toEqual([['H03.10', null, null, 'no_system']]);
  });

  it('looks at no more of the systems of an agency than the addresses need', async () => {
    await agencies.create({ code: 'H04', name: 'Nhiều hệ thống' });
    await transactions.query(
      `INSERT INTO systems (id, agency_code, name, receives, search, suspended_at)
       SELECT 'H04/s' || n, 'H04', 'S', '{edxml.document}', 's', CASE WHEN n % 2 = 1 THEN now() END FROM generate_series(1, 5000) n`,
    );
    await transactions.query('ANALYZE systems');
    expect(short(await resolve(['H04/s4000', 'H04/s3', 'H04/s5001', 'H04']))).toEqual([
      ['H04/s4000', 'H04/s4000', 'system', 'allowed'],
      ['H04/s3', 'H04/s3', null, 'system_suspended'],
      ['H04/s5001', null, null, 'unknown_recipient'],
      ['H04', 'H04/s10', 'dataType', 'allowed'],
    ]);
    const read: number[] = [];
    const explaining = new RoutingStore({
      query: async (sql, parameters) => {
        const [{ 'QUERY PLAN': plan }] = await transactions.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, parameters);
        read.push(...[...JSON.stringify(plan).matchAll(/"Actual Rows":([\d.]+)/g)].map(([, rows]) => Number(rows)));
        return transactions.query(sql, parameters);
      },
    });
    await explaining.resolve('H01.01/src', 'edxml.document', ['H04/s4000', 'H04/s2']);
    expect(read.length).toBeGreaterThan(5);
    expect(Math.max(...read)).toBeLessThan(20);
  });

  it('passes over a suspended system, and names it when there is no other', async () => {
    await systems.change('H01.14/qlvb', { suspended: true });
    expect(short(await resolve(['H01.14', 'H01.14/qlvb']))).toEqual([
      ['H01.14', 'H01.14/all', 'default', 'allowed'],
      ['H01.14/qlvb', 'H01.14/qlvb', null, 'system_suspended'],
    ]);
    await systems.change('H01.14/all', { suspended: true });
    expect(short(await resolve(['H01.14']))).toEqual([['H01.14', 'H01.14/all', null, 'system_suspended']]);
    await systems.change('H01.14/all', { suspended: false });
    await systems.change('H01.14/qlvb', { suspended: false });
  });

  it('knows grants by system, agency and everyone, of one data type and of all', async () => {
    for (const { grantId } of await grants.list({ limit: 50 })) await grants.remove(grantId);
    const allowedWith = async (from: string, to: string, dataTypes: string[]) => {
      const { grantId } = await grants.create({ from, to, dataTypes });
      const [{ allowed }] = await resolve(['H01.14']);
      await grants.remove(grantId);
      return allowed;
    };
    for (const from of ['H01.01/src', 'H01.01', '*'])
      for (const to of ['H01.14/qlvb', 'H01.14', '*'])
        for (const dataType of ['edxml.document', '*'])
          expect([from, to, dataType, await allowedWith(from, to, ['x.y', dataType])]).toEqual([
            from,
            to,
            dataType,
            true,
          ]);
    expect(await allowedWith('H01.01', '*', ['other.type'])).toBe(false);
    expect(await allowedWith('H01.14', '*', ['*'])).toBe(false);
    expect(await allowedWith('*', 'H01.14/all', ['*'])).toBe(false);
    expect(await allowedWith('*', 'H01.01', ['*'])).toBe(false);
  });

  it('lets a grant to an agency hold for its successor, not the other way round', async () => {
    const old = await grants.create({ from: '*', to: 'H02', dataTypes: ['*'] });
    expect(short(await resolve(['H02', 'H01.14/qlvb']))).toEqual([
      ['H02', 'H01.14/qlvb', 'successor', 'allowed'],
      ['H01.14/qlvb', 'H01.14/qlvb', 'system', 'duplicate_recipient'],
    ]);
    expect(short(await resolve(['H01.14']))).toEqual([['H01.14', 'H01.14/qlvb', 'dataType', 'not_granted']]);
    await grants.remove(old.grantId);
  });

  it('needs two statements for 1,000 addresses', async () => {
    await grants.create({ from: '*', to: '*', dataTypes: ['*'] });
    await transactions.query(`
      WITH made AS (INSERT INTO agencies (code, name, search) SELECT 'H05.' || lpad(n::text, 4, '0'), 'x', 'x' FROM generate_series(1, 1000) n RETURNING code),
           forms AS (INSERT INTO agency_codes (form, agency_code) SELECT code, code FROM made)
      SELECT 1`);
    await transactions.query(
      `INSERT INTO systems (id, agency_code, name, receives, search) SELECT code || '/qlvb', code, 'x', '{edxml.document}', 'x' FROM agencies WHERE code LIKE 'H05.%'`,
    );
    const addresses = Array.from({ length: 1000 }, (_, n) => `H05.${String(n + 1).padStart(4, '0')}`);
    statements = 0;
    const recipients = await resolve(addresses);
    expect(statements).toBe(2);
    expect(recipients.every(({ allowed }, index) => allowed && recipients[index].address === addresses[index])).toBe(
      true,
    );
  });
});
