import { envExample } from './env-example';
import { setting } from './setting';

const PORT = (port: number) => setting.integer('Port of the API', { default: port, min: 0, max: 65535 });
const DATABASE_URL = setting.url('Database', { secret: true });

describe('envExample', () => {
  const text = envExample({
    auth: { PORT: PORT(3001), DATABASE_URL, MASTER_KEY: setting.text('Key that seals secrets', { secret: true }) },
    connector: { PORT: PORT(3002), DATABASE_URL, REGION: setting.text('Region of the store', { optional: true }) },
    notifier: { PORT: PORT(3003) },
  });

  it('writes a setting that several apps share once, with who uses it and where defaults differ', () => {
    expect(text.match(/^(# )?PORT=/gm)).toHaveLength(1);
    expect(text).toContain(
      '# Port of the API [a whole number from 0 to 65535; default per app: auth 3001, connector 3002, notifier 3003; every app]\n# PORT=3001\n',
    );
    expect(text).toContain('[an absolute address such as https://example.gov.vn; required; secret; auth, connector]');
  });

  it('has a section per app for its own settings, and leaves out apps that have none', () => {
    const sections = [...text.matchAll(/^# ---- (.+) ----$/gm)].map(([, title]) => title);
    expect(sections).toEqual(['Shared by several apps', 'auth', 'connector']);
    expect(text.indexOf('MASTER_KEY')).toBeGreaterThan(text.indexOf('---- auth'));
  });

  it('leaves required settings open and comments out the rest', () => {
    expect(text).toMatch(/^MASTER_KEY=$/m);
    expect(text).toMatch(/^DATABASE_URL=$/m);
    expect(text).toMatch(/^# REGION=$/m);
  });
});
