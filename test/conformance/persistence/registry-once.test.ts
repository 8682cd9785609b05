import { NonceStore, PlatformKeyStore, StreamTicketStore, Transactions } from '@lienthong/persistence';
import { newPlatformKey } from '@lienthong/signing';
import { type TestDatabase, testDatabase } from '../../support/database';

describe('what is good once, on PostgreSQL', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  beforeAll(async () => {
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
  }, 60_000);
  afterAll(() => database?.drop());

  const later = new Date(Date.now() + 60_000);

  it('takes a nonce once per key, across instances that use the same at the same time', async () => {
    const instances = [new NonceStore(transactions), new NonceStore(transactions), new NonceStore(transactions)];
    const uses = Array.from({ length: 400 }, (_, n) => n).flatMap((n) =>
      instances.flatMap((instance) => [
        instance.use('k1', `nonce-${n}`, later),
        instance.use('k1', `nonce-${n}`, later),
      ]),
    );
    const answers = await Promise.all(uses);
    for (let n = 0; n < 400; n++) expect(answers.slice(n * 6, n * 6 + 6).filter(Boolean)).toHaveLength(1);
    expect(await instances[0].use('k2', 'nonce-0', later)).toBe(true);
    expect(await instances[1].use('k2', 'nonce-0', later)).toBe(false);
  });

  it('tells of many nonces whether they were used, and uses none by that', async () => {
    const [one, other] = [new NonceStore(transactions), new NonceStore(transactions)];
    const asked = () => Promise.all(['told-0', 'told-1', 'told-2'].map((nonce) => other.isUsed('k1', nonce)));
    expect(await asked()).toEqual([false, false, false]);
    expect(await one.use('k1', 'told-1', later)).toBe(true);
    expect(await asked()).toEqual([false, true, false]);
    expect(await other.isUsed('k2', 'told-1')).toBe(false);
  });

  it('lets a stream ticket in once, within its 30 seconds', async () => {
    const tickets = new StreamTicketStore(transactions);
    const session = '0197f0aa-0000-7000-8000-000000000001';
    const { ticket, expiresAt } = await tickets.issue({ systemId: 'H01/a', accessKey: 'AK1', sessionId: session });
    expect(Math.abs(expiresAt.getTime() - Date.now() - 30_000)).toBeLessThan(5000);
    const redeemed = await Promise.all(Array.from({ length: 5 }, () => tickets.redeem(ticket)));
    expect(redeemed.filter(Boolean)).toEqual([{ systemId: 'H01/a', accessKey: 'AK1', sessionId: session }]);
    const { ticket: late } = await tickets.issue({ systemId: 'H01/a', accessKey: 'AK1' });
    await transactions.query(`UPDATE stream_tickets SET expires_at = now() - interval '1 second'`);
    expect(await tickets.redeem(late)).toBeUndefined();
    expect(await tickets.redeem('unknown')).toBeUndefined();
  });

  it('stores nothing that opens a stream', async () => {
    const { ticket } = await new StreamTicketStore(transactions).issue({ systemId: 'H01/a', accessKey: 'AK1' });
    const [{ row }] = await transactions.query<{ row: string }>(
      'SELECT stream_tickets::text AS row FROM stream_tickets LIMIT 1',
    );
    expect(row).not.toContain(ticket);
    expect(row).not.toContain(Buffer.from(ticket, 'base64url').toString('hex'));
  });

  it('makes one platform key, however many processes start together, and opens it with the same secret only', async () => {
    const stores = Array.from({ length: 5 }, () => new PlatformKeyStore(transactions, 'the platform secret'));
    const keys = await Promise.all(stores.map((store) => store.current(newPlatformKey)));
    expect(new Set(keys.map((key) => JSON.stringify(key))).size).toBe(1);
    const { keys: published } = await stores[0].jwks();
    expect(published).toEqual([expect.objectContaining({ kid: keys[0].kid, kty: 'OKP', crv: 'Ed25519' })]);
    expect(JSON.stringify(published)).not.toContain('"d"');
    await expect(new PlatformKeyStore(transactions, 'another').current(newPlatformKey)).rejects.toThrow(
      'PLATFORM_SECRET',
    );
  });
});
