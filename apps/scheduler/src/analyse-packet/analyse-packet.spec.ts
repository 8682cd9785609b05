import type {
  EventStreamStore,
  PacketRow,
  PacketStore,
  PartRow,
  ReceiptStore,
  TimelineStore,
  Transactions,
  Unit,
} from '@lienthong/persistence';
import { TaskTime } from '@lienthong/queue';
import type { Finding, Storage } from '@lienthong/storage';
import type { PlanDelivery } from '../plan-delivery/plan-delivery';
import { AnalysePacket } from './analyse-packet';

const ID = '0198f1c2-7d3e-7a10-8b8e-3f0d8a1c2b4d';
const PART = {
  ordinal: 0,
  name: 'a.pdf',
  objectKey: 'packets/x/0-0',
  size: 1,
  sha256: '',
  mediaType: 'a/b',
} as PartRow;

const TIME = new TaskTime('analyse-packet', 60_000);

/** A packet whose content is found so; `meanwhile` happens while the store is looked at. */
function analysing(found: Finding, meanwhile: Partial<PacketRow> = {}) {
  const done: string[] = [];
  let packet = {
    id: ID,
    source: 'H01.14/a',
    state: 'received',
    round: 1,
    recipients: [],
    protocol: 'put',
  } as unknown as PacketRow;
  const unit = {} as Unit;
  const steps = new AnalysePacket(
    { run: async (work: (unit: Unit) => Promise<unknown>) => work(unit) } as Transactions,
    {
      lockWithParts: async () => ({ packet, parts: [PART] }),
      lock: async () => packet,
      finish: async (_unit: Unit, _packet: PacketRow, state: string) => void done.push(state),
    } as unknown as PacketStore,
    { add: () => undefined } as unknown as EventStreamStore,
    { append: async () => 'jws' } as unknown as ReceiptStore,
    { add: () => undefined } as unknown as TimelineStore,
    {
      seal: async () => {
        packet = { ...packet, ...meanwhile };
        return found;
      },
    } as unknown as Storage,
    { plan: async () => void done.push('planned') } as unknown as PlanDelivery,
  );
  return { done, steps };
}

describe('analyse-packet', () => {
  it.each<[Finding, string]>([
    ['whole', 'planned'],
    ['missing', 'refused'],
    ['digest', 'refused'],
  ])('of content that is %s: %s', async (found, outcome) => {
    const { done, steps } = analysing(found);
    await steps.analyse(ID, TIME);
    expect(done).toEqual([outcome]);
  });

  it.each<Finding>(['whole', 'missing'])(
    'says nothing of a later round, which was received while the content of this one was looked at and found %s',
    async (found) => {
      const { done, steps } = analysing(found, { round: 2 });
      await steps.analyse(ID, TIME);
      expect(done).toEqual([]);
    },
  );

  it('says nothing when its time was over while the content was looked at: the next try does', async () => {
    const { done, steps } = analysing('whole');
    const over = AbortSignal.abort(new Error('overdue'));
    await expect(steps.analyse(ID, { allowReading: () => undefined, signal: over })).rejects.toThrow('overdue');
    expect(done).toEqual([]);
  });
});
