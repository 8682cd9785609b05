import { StartError } from '@lienthong/contracts';
import { assertDurable } from './data-source';

const DURABLE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on', data_sync_retry: 'off' };

/** A server with these settings. */
const server = (settings: Record<string, string>) => ({
  query: async <T>(sql: string) => {
    const name = sql.replace(/^SHOW /, '');
    return [{ [name]: settings[name] }] as T;
  },
});

describe('A PostgreSQL that the platform starts on', () => {
  it.each(Object.entries(DURABLE))(
    'is refused where %s is not %s: it may forget what it has committed',
    async (setting, durable) => {
      const started = assertDurable(server({ ...DURABLE, [setting]: durable === 'on' ? 'off' : 'on' }));
      await expect(started).rejects.toThrow(StartError);
      await expect(started).rejects.toThrow(`Set ${setting} = ${durable}`);
    },
  );

  it.each(['on', 'local', 'remote_write', 'remote_apply'])(
    'may answer a commit with synchronous_commit = %s: the primary has written it',
    async (synchronous_commit) => {
      await expect(assertDurable(server({ ...DURABLE, synchronous_commit }))).resolves.toBeUndefined();
    },
  );
});
