import type { Sealed } from '@lienthong/persistence';
import { Metrics } from '@lienthong/runtime';
import { newPlatformKey } from '@lienthong/signing';
import { SealAudit } from './seal-audit';

describe('seal-audit', () => {
  function scheduler(batches: number[], archive: ((name: string) => void) | null = () => undefined) {
    const left = [...batches];
    let size = 0;
    const metrics = new Metrics();
    const sealing = {
      seal: async (): Promise<Sealed> => {
        const entries = left.shift() ?? 0;
        size += entries;
        return { entries };
      },
    };
    const audit = {
      unsealed: async () => ({ entries: left.length, seconds: left.length * 10 }),
      checkpoints: async () => (size > 0 ? [{ size, at: '', jws: `jws-${size}` }] : []),
    };
    const put = archive && { put: async (name: string) => archive(name) };
    const keys = { current: async () => newPlatformKey() };
    return { left, metrics, seal: new SealAudit(sealing, audit, keys, { origin: 'o' }, put, metrics) };
  }
  const going = new AbortController().signal;

  it('seals batch after batch until one is not full', async () => {
    const { left, seal } = scheduler([2000, 2000, 7, 1]);
    await seal.pass(going);
    expect(left).toEqual([1]);
  });

  it('stops between two batches when the process ends', async () => {
    const { left, seal } = scheduler([2000, 2000]);
    await seal.pass(AbortSignal.abort());
    expect(left).toEqual([2000, 2000]);
  });

  it('puts the newest checkpoint outside once, and again the one after an outage', async () => {
    const names: string[] = [];
    let broken = true;
    const { seal } = scheduler([5, 3, 0], (name) => {
      if (broken) throw new Error('full');
      names.push(name);
    });
    await expect(seal.pass(going)).rejects.toThrow('full');
    broken = false;
    await seal.pass(going);
    await seal.pass(going);
    expect(names).toEqual(['checkpoint-0000000000000008.jws']);
  });

  it('needs no place outside', async () => {
    await expect(scheduler([5], null).seal.pass(going)).resolves.toBeUndefined();
  });

  it('shows what is not sealed, also when sealing fails', async () => {
    const { metrics, seal } = scheduler([5, 1, 1]);
    await seal.pass(going);
    const text = await metrics.metrics();
    expect(text).toContain('lienthong_audit_unsealed_entries 2');
    expect(text).toContain('lienthong_audit_unsealed_seconds 20');
  });
});
