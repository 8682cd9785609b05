import { NonceStore } from './nonce.store';

describe('NonceStore', () => {
  const later = new Date(Date.now() + 1000);

  /** A table in memory; each statement waits until `answer()` is called. */
  function table() {
    const rows = new Set<string>();
    const statements: { size: number; answer: () => void; fail: (error: Error) => void }[] = [];
    const query = <T>(_sql: string, [keys, nonces]: unknown[] = []) =>
      new Promise<T[]>((resolve, reject) => {
        const uses = (keys as string[]).map((keyId, index) => ({ keyId, nonce: (nonces as string[])[index] }));
        statements.push({
          size: uses.length,
          answer: () => {
            const fresh = uses.filter(({ keyId, nonce }) => !rows.has(`${keyId} ${nonce}`));
            for (const { keyId, nonce } of fresh) rows.add(`${keyId} ${nonce}`);
            resolve(fresh as T[]);
          },
          fail: reject,
        });
      });
    return { statements, store: new NonceStore({ query }) };
  }

  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('sends what came while a statement was under way in one statement', async () => {
    const { statements, store } = table();
    const first = store.use('k', 'n0', later);
    const rest = Array.from({ length: 50 }, (_, n) => store.use('k', `n${n + 1}`, later));
    expect(statements.map(({ size }) => size)).toEqual([1]);
    statements[0].answer();
    expect(await first).toBe(true);
    await turn();
    expect(statements.map(({ size }) => size)).toEqual([1, 50]);
    statements[1].answer();
    expect(new Set(await Promise.all(rest))).toEqual(new Set([true]));
  });

  it('lets the first of two equal uses in one batch win, and both lose against the table', async () => {
    const { statements, store } = table();
    const used = store.use('k', 'old', later);
    const batch = Promise.all([
      store.use('k', 'n', later),
      store.use('k', 'n', later),
      store.use('other', 'n', later),
      store.use('k', 'old', later),
    ]);
    statements[0].answer();
    await used;
    await turn();
    statements[1].answer();
    expect(await batch).toEqual([true, false, true, false]);
  });

  it('tells everyone in a batch of its failure and goes on with the next', async () => {
    const { statements, store } = table();
    const failing = store.use('k', 'a', later);
    const next = store.use('k', 'b', later);
    statements[0].fail(new Error('no database'));
    await expect(failing).rejects.toThrow('no database');
    await turn();
    statements[1].answer();
    expect(await next).toBe(true);
  });
});
