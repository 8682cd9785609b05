import { PassThrough } from 'node:stream';
import { CorkedClient } from './corked-client';

/** A client whose other end only counts: what it was sent, and in how many writes. */
function connected() {
  const writes: string[][] = [];
  const stream = new PassThrough();
  stream._write = (chunk: Buffer, _encoding, done) => (writes.push([chunk.toString('latin1')]), done());
  stream._writev = (chunks, done) => (
    writes.push(chunks.map(({ chunk }) => (chunk as Buffer).toString('latin1'))),
    done()
  );
  const client = new CorkedClient();
  Object.assign(client.connection, { stream });
  Object.assign(client, { pipeline: true, _connected: true, readyForQuery: true });
  return { client, writes };
}

describe('A connection to PostgreSQL', () => {
  it('sends what is asked in one turn in one write, in its order, and what is asked later in the next', async () => {
    const { client, writes } = connected();
    void client.query('BEGIN');
    await Promise.resolve();
    void client.query({ name: 'first', text: 'SELECT $1::int', values: [1] });
    expect(writes).toEqual([]);
    await new Promise(setImmediate);
    expect(writes).toHaveLength(1);
    expect(writes[0].join('')).toMatch(/BEGIN[^]*SELECT \$1::int/);
    void client.query('COMMIT');
    await new Promise(setImmediate);
    expect(writes.map((chunks) => chunks.join('').includes('COMMIT'))).toEqual([false, true]);
  });
});
