import { AgencyStore, ConnectionStore, DirectoryStore, SystemStore, Transactions } from '@lienthong/persistence';
import { type TestDatabase, testDatabase } from '../../support/database';

describe('the directory on PostgreSQL', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  let directory: DirectoryStore;

  beforeAll(async () => {
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
    directory = new DirectoryStore(transactions);
    const agencies = new AgencyStore(transactions);
    const systems = new SystemStore(transactions);
    await agencies.create({ code: 'H01', name: 'UBND tỉnh Đắk Lắk' });
    await agencies.create({ code: 'H01.14', name: 'Sở Nội vụ', parentCode: 'H01', aliases: ['000.00.14.H01'] });
    await agencies.create({ code: 'H01.15', name: 'Sở Tài chính 100%', parentCode: 'H01' });
    await systems.create({ id: 'H01.14/qlvb', name: 'Quản lý văn bản', receives: ['edxml.document'], default: true });
    await systems.create({ id: 'H01.15/motcua', name: 'Một cửa', receives: ['dossier.v1'] });
  }, 60_000);
  afterAll(() => database?.drop());

  const found = async (query: Partial<Parameters<DirectoryStore['search']>[0]>) =>
    (await directory.search({ limit: 50, ...query })).map(({ address }) => address);

  it('lists agencies and systems together, in the order of their addresses', async () => {
    const all = await found({});
    expect(all).toHaveLength(5);
    expect(new Set(all)).toEqual(new Set(['H01', 'H01.14', 'H01.15', 'H01.14/qlvb', 'H01.15/motcua']));
    const pages: string[] = [];
    for (let page = await found({ limit: 2 }); page.length > 0; page = await found({ limit: 2, after: page.at(-1) }))
      pages.push(...page);
    expect(pages).toEqual(all);
  });

  it('ignores case and Vietnamese accents, and the order of words', async () => {
    for (const q of ['sở nội vụ', 'SO NOI VU', 'vụ nội', 'Sở Nội vụ'.normalize('NFD')])
      expect(await found({ q })).toEqual(['H01.14']);
    expect(await found({ q: 'dak lak' })).toEqual(['H01']);
    expect(await found({ q: 'Đắk' })).toEqual(['H01']);
    expect(await found({ q: 'văn bản' })).toEqual(['H01.14/qlvb']);
  });

  it('finds by either form of the code, and takes % and _ as they are', async () => {
    expect(await found({ q: '000.00.14' })).toEqual(['H01.14']);
    expect(new Set(await found({ q: 'h01.14' }))).toEqual(new Set(['H01.14', 'H01.14/qlvb']));
    expect(await found({ q: '100%' })).toEqual(['H01.15']);
    expect(await found({ q: 'h_1' })).toEqual([]);
  });

  it('finds who receives a data type: the systems, and the agencies that have one', async () => {
    expect(new Set(await found({ dataType: 'dossier.v1' }))).toEqual(new Set(['H01.15', 'H01.15/motcua']));
    expect(await found({ dataType: 'dossier.v1', q: 'mot cua' })).toEqual(['H01.15/motcua']);
    expect(await found({ dataType: 'none.such' })).toEqual([]);
  });

  it('shows an agency with its systems, and a system, by either form of the code', async () => {
    expect(await directory.agency('000.00.14.H01')).toEqual({
      kind: 'agency',
      address: 'H01.14',
      name: 'Sở Nội vụ',
      agencyCode: 'H01.14',
      parentCode: 'H01',
      aliases: ['000.00.14.H01'],
      successorCode: null,
      dissolved: false,
      systems: [await directory.system('H01.14', 'qlvb')],
    });
    expect(await directory.system('000.00.14.H01', 'qlvb')).toEqual({
      kind: 'system',
      address: 'H01.14/qlvb',
      name: 'Quản lý văn bản',
      agencyCode: 'H01.14',
      receives: ['edxml.document'],
      default: true,
      suspended: false,
      online: false,
      contacts: { polls: 0, webhooks: 0 },
    });
    expect(await directory.agency('H77')).toBeUndefined();
    expect(await directory.system('H01.14', 'none')).toBeUndefined();
  });

  it('calls a system online while a stream is open and seen, or soon after a poll or an answered webhook', async () => {
    const online = async () => (await directory.system('H01.14', 'qlvb'))?.online;
    const connections = new ConnectionStore(transactions);
    const id = await connections.open('H01.14/qlvb', 'test', null);
    expect(await online()).toBe(true);
    await transactions.query(`UPDATE connections SET seen_at = now() - interval '91 seconds'`);
    expect(await online()).toBe(false);
    await connections.seen([id]);
    expect(await online()).toBe(true);
    await connections.close([id]);
    expect(await online()).toBe(false);
    await transactions.query(
      `INSERT INTO streams (system_id, polled_at) VALUES ('H01.14/qlvb', now() - interval '179 seconds')`,
    );
    expect(await online()).toBe(true);
    await transactions.query(`UPDATE streams SET polled_at = now() - interval '181 seconds'`);
    expect(await online()).toBe(false);
    await transactions.query(
      `INSERT INTO webhooks (system_id, id, url, sealed_secret, state, after_offset, answered_at)
       VALUES ('H01.14/qlvb', gen_random_uuid(), 'https://qlvb.example.vn/', '', 'verified', 0, now() - interval '179 seconds')`,
    );
    expect(await online()).toBe(true);
    await transactions.query(`UPDATE webhooks SET answered_at = now() - interval '181 seconds'`);
    expect(await online()).toBe(false);
  });

  it('serves 120,000 agencies from an index', async () => {
    // In bites: one statement may take 5 s.
    for (let from = 1; from <= 120_000; from += 10_000)
      await transactions.query(
        `INSERT INTO agencies (code, name, search)
         SELECT code, 'Đơn vị ' || n, lower(code) || ' don vi ' || md5(n::text)
         FROM generate_series($1::int, $1 + 9999) n,
              LATERAL (SELECT 'H' || lpad((n % 90 + 10)::text, 2, '0') || '.' || lpad(n::text, 6, '0') AS code) named`,
        [from],
      );
    await transactions.query('ANALYZE agencies');
    const [extension] = await transactions.query(`SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'`);
    const times: number[] = [];
    for (const q of ['so noi vu', '077777', 'don vi 8f14e45f', 'khong co', 'don vi', 'd']) {
      const start = performance.now();
      await found({ q });
      times.push(performance.now() - start);
    }
    // A scan of the table takes some 30 ms here; the bound is for a slow machine.
    expect(Math.max(...times)).toBeLessThan(1000);
    const plan = await transactions.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT code FROM agencies WHERE search LIKE '%077777%' ORDER BY code LIMIT 50`,
    );
    const uses = plan.some((line) => line['QUERY PLAN'].includes('agencies_search'));
    expect(uses).toBe(extension !== undefined);
    process.stdout.write(`directory, 120,000 agencies: ${times.map((ms) => ms.toFixed(1)).join(', ')} ms\n`);
  }, 60_000);
});
