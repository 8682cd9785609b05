import type { StuckReason } from '@lienthong/contracts';
import { StuckPacketStore, Transactions } from '@lienthong/persistence';
import { v7 as uuidv7 } from 'uuid';
import { testDatabase, type TestDatabase } from '../../support/database';

jest.setTimeout(60_000);

const [SOURCE, DESTINATION] = ['H01.14/a', 'H01.20/b'];
/** Where the policy of a packet says nothing. */
const WARN_AT = 0.5;

/** What a packet and its delivery are like; what is not named is in order. Times are SQL, `dead` the kind of a task that was given up. */
interface Given {
  packet?: Record<string, string>;
  delivery?: Record<string, string>;
  dead?: string;
}

const HOUR = (hours: number) => `now() + interval '${hours} hours'`;
const MINUTES = (minutes: number) => `now() + interval '${minutes} minutes'`;
const open = { state: `'open'`, received_at: 'NULL' };
const received = { state: `'received'` };
const late = { available_at: HOUR(-6), deliver_by: HOUR(4) };
const inTime = { available_at: HOUR(-4), deliver_by: HOUR(6) };
const ended = { state: `'completed'`, purge_after: HOUR(-1) };

const STUCK: [string, StuckReason, Given][] = [
  ['a space that closes within two hours', 'not_uploaded', { packet: { ...open, space_expires_at: HOUR(1.9) } }],
  ['what is not analysed after 15 minutes', 'not_analysed', { packet: { ...received, received_at: MINUTES(-16) } }],
  ['an analysis that was given up, at once', 'given_up', { packet: received, dead: 'analyse-packet' }],
  [
    'an announcement that was given up, at once',
    'given_up',
    { delivery: { state: `'pending'`, announced: '0', ...inTime }, dead: 'notify-destination' },
  ],
  [
    'a destination that does not connect, when half of the time is over',
    'not_announced',
    { delivery: { state: `'pending'`, ...late } },
  ],
  ['a destination that was told and does not fetch', 'not_fetched', { delivery: { state: `'notified'`, ...late } }],
  [
    'a destination that fetches and does not confirm for an hour',
    'not_confirmed',
    { delivery: { state: `'ready'`, available_at: MINUTES(-61), deliver_by: HOUR(100) } },
  ],
  [
    'a delivery that is late by the packet’s own policy',
    'not_fetched',
    { packet: { policy: `'{"warnAt":[0.1]}'` }, delivery: { state: `'notified'`, ...inTime } },
  ],
  ['content that the store would not delete', 'not_purged', { packet: { ...ended, purge_blocked_at: 'now()' } }],
  ['a deletion that was given up', 'not_purged', { packet: ended, dead: 'purge-content' }],
];

const MOVING: [string, Given][] = [
  ['a space that is open for longer', { packet: { ...open, space_expires_at: HOUR(2.1) } }],
  ['what was received just now', { packet: { ...received, received_at: MINUTES(-14) } }],
  ['a delivery before half of its time', { delivery: { state: `'pending'`, ...inTime } }],
  ['one that was announced before a later task was given up', { delivery: inTime, dead: 'notify-destination' }],
  [
    'one that was fetched within the hour',
    { delivery: { state: `'ready'`, available_at: MINUTES(-59), deliver_by: HOUR(100) } },
  ],
  ['one that is accepted', { delivery: { state: `'accepted'`, ...late } }],
  ['content that is to be deleted', { packet: ended }],
  [
    'content that is deleted, for all that was refused and given up before',
    { packet: { ...ended, purge_blocked_at: HOUR(-1), purged_at: 'now()' }, dead: 'purge-content' },
  ],
];

describe('what needs a hand, in PostgreSQL', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  let stuck: StuckPacketStore;

  beforeAll(async () => {
    database = await testDatabase();
    transactions = new Transactions(database.dataSource);
    stuck = new StuckPacketStore(transactions);
    for (const id of [SOURCE, DESTINATION]) {
      const code = id.split('/')[0];
      await transactions.query(`INSERT INTO agencies (code, name, search) VALUES ($1, $1, '')`, [code]);
      await transactions.query(`INSERT INTO systems (id, agency_code, name, search) VALUES ($1, $2, $1, '')`, [
        id,
        code,
      ]);
    }
  });
  afterAll(() => database.drop());
  afterEach(() => transactions.query('TRUNCATE packets, dead_tasks CASCADE'));

  const insert = (table: string, row: Record<string, string>) =>
    transactions.query(
      `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).join(', ')})`,
    );

  async function make({
    packet = {},
    delivery,
    dead,
  }: Given): Promise<{ packetId: string; deliveryId: string | null }> {
    const [packetId, deliveryId] = [uuidv7(), uuidv7()];
    await insert('packets', {
      id: `'${packetId}'`,
      source: `'${SOURCE}'`,
      state: `'scheduled'`,
      title: `'V/v thử nghiệm'`,
      priority: '2',
      data_type: `'file'`,
      protocol: `'put'`,
      recipients: `'[]'`,
      space_expires_at: HOUR(-1),
      received_at: 'now()',
      ...packet,
    });
    if (delivery)
      await insert('deliveries', {
        id: `'${deliveryId}'`,
        packet_id: `'${packetId}'`,
        system_id: `'${DESTINATION}'`,
        address: `'H01.20'`,
        routed_by: `'default'`,
        state: `'pending'`,
        announced: '1',
        priority: '2',
        ...delivery,
      });
    if (dead)
      await insert('dead_tasks', {
        id: `'${uuidv7()}'`,
        kind: `'${dead}'`,
        packet_id: `'${packetId}'`,
        attempt: '12',
        reason: `'x'`,
      });
    return { packetId, deliveryId: delivery ? deliveryId : null };
  }

  it.each(STUCK)('lists %s, to its source alone: %s', async (_what, reason, given) => {
    const { packetId, deliveryId } = await make(given);
    expect(await stuck.list(SOURCE, WARN_AT, 10)).toEqual([
      expect.objectContaining({
        packetId,
        reason,
        deliveryId,
        address: deliveryId && 'H01.20',
        systemId: deliveryId && DESTINATION,
        since: expect.any(Date),
        endsAt: deliveryId || reason === 'not_uploaded' ? expect.any(Date) : null,
      }),
    ]);
    expect(await stuck.list(DESTINATION, WARN_AT, 10)).toEqual([]);
  });

  it.each(MOVING)('does not list %s', async (_what, given) => {
    await make(given);
    expect(await stuck.list(SOURCE, WARN_AT, 10)).toEqual([]);
  });

  it('names a packet once whose deletion was refused and given up', async () => {
    const { packetId } = await make({ packet: { ...ended, purge_blocked_at: 'now()' }, dead: 'purge-content' });
    expect((await stuck.list(SOURCE, WARN_AT, 10)).map((row) => row.packetId)).toEqual([packetId]);
  });

  it('puts first what ends first', async () => {
    const second = await make({ delivery: { state: `'notified'`, ...late } });
    const first = await make({ packet: { ...open, space_expires_at: HOUR(1) } });
    expect((await stuck.list(SOURCE, WARN_AT, 10)).map(({ packetId }) => packetId)).toEqual([
      first.packetId,
      second.packetId,
    ]);
    expect(await stuck.list(SOURCE, WARN_AT, 1)).toHaveLength(1);
  });
});
