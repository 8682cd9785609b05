import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processSettings } from './process-settings';
import { ConfigError, maskedSummary, readConfig, withoutPassword } from './read-config';
import { setting } from './setting';

const schema = {
  PORT: setting.integer('Port', { default: 3000, min: 1, max: 65535 }),
  MASTER_KEY: setting.text('Key that seals secrets', { secret: true }),
  QUEUE: setting.choice('Where tasks wait', ['rabbitmq', 'postgres'], { default: 'postgres' }),
  DATABASE_URL: setting.url('Database', { optional: true }),
  EMBEDDED: setting.flag('Start a database', { default: true }),
  ORIGINS: setting.list('Origins', { default: ['a'] }),
};

const problemsOf = (read: () => unknown): readonly string[] => {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

const check = ({ QUEUE }: { QUEUE: string }) => (QUEUE === 'rabbitmq' ? ['RABBITMQ_URL is needed.'] : []);

describe('readConfig', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'config-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('takes defaults for what is not set or empty, and reads every kind of setting', () => {
    expect(readConfig(schema, { MASTER_KEY: 'k', PORT: '' })).toEqual({
      PORT: 3000,
      MASTER_KEY: 'k',
      QUEUE: 'postgres',
      DATABASE_URL: undefined,
      EMBEDDED: true,
      ORIGINS: ['a'],
    });
    expect(
      readConfig(schema, {
        MASTER_KEY: 'k',
        PORT: '8080',
        QUEUE: 'rabbitmq',
        DATABASE_URL: 'postgres://localhost/x/',
        EMBEDDED: 'No',
        ORIGINS: ' one, ,two ',
      }),
    ).toEqual({
      PORT: 8080,
      MASTER_KEY: 'k',
      QUEUE: 'rabbitmq',
      DATABASE_URL: 'postgres://localhost/x',
      EMBEDDED: false,
      ORIGINS: ['one', 'two'],
    });
  });

  it('names every problem at once, each in one sentence that says what would be right', () => {
    const problems = problemsOf(() =>
      readConfig(schema, { PORT: '70000', QUEUE: 'kafka', DATABASE_URL: 'not an address', EMBEDDED: 'maybe' }),
    );
    expect(problems).toEqual([
      'PORT must be a whole number from 1 to 65535, not "70000".',
      'MASTER_KEY is not set; it must be a text (Key that seals secrets).',
      'QUEUE must be one of rabbitmq, postgres, not "kafka".',
      'DATABASE_URL must be an absolute address such as https://example.gov.vn, not "not an address".',
      'EMBEDDED must be true or false, not "maybe".',
    ]);
  });

  it.each(['1.5', '0x10', '1e3', ' 5', '-1', '99999999999999999999'])('does not take %j for a port', (PORT) => {
    expect(problemsOf(() => readConfig(schema, { MASTER_KEY: 'k', PORT }))).toHaveLength(1);
  });

  it('never says the value of a secret that is not usable', () => {
    const pin = { PIN: setting.integer('Pin', { secret: true }) };
    expect(problemsOf(() => readConfig(pin, { PIN: 'hunter2' }))).toEqual(['PIN must be a whole number.']);
  });

  it('reads NAME_FILE, without the newline at the end of the file', () => {
    const file = join(folder, 'master-key');
    writeFileSync(file, 'from the file\n');
    expect(readConfig(schema, { MASTER_KEY_FILE: file }).MASTER_KEY).toBe('from the file');
  });

  it('refuses NAME together with NAME_FILE, and files that are missing or empty, with one sentence each', () => {
    const empty = join(folder, 'empty');
    writeFileSync(empty, '\n');
    expect(problemsOf(() => readConfig(schema, { MASTER_KEY: 'k', MASTER_KEY_FILE: empty }))).toEqual([
      'MASTER_KEY and MASTER_KEY_FILE are both set; keep one of them.',
    ]);
    expect(problemsOf(() => readConfig(schema, { MASTER_KEY_FILE: join(folder, 'absent') }))).toEqual([
      'MASTER_KEY_FILE names a file that cannot be read (ENOENT).',
    ]);
    expect(problemsOf(() => readConfig(schema, { MASTER_KEY_FILE: empty }))).toEqual([
      'MASTER_KEY_FILE names a file that is empty.',
    ]);
  });

  it('checks rules over several settings once each of them can be read', () => {
    expect(problemsOf(() => readConfig(schema, { MASTER_KEY: 'k', QUEUE: 'rabbitmq' }, check))).toEqual([
      'RABBITMQ_URL is needed.',
    ]);
    expect(problemsOf(() => readConfig(schema, { QUEUE: 'rabbitmq' }, check))).toHaveLength(1);
  });

  it('has a default for every setting that all processes share', () => {
    expect(readConfig(processSettings, {})).toMatchObject({ PORT: 3000, HOST: '0.0.0.0', INTERNAL_PORT: 0 });
  });
});

describe('maskedSummary', () => {
  it('shows neither secrets nor the password of an address', () => {
    const config = readConfig(schema, { MASTER_KEY: 'canary', DATABASE_URL: 'postgres://app:canary@db:5432/x' });
    const summary = maskedSummary(schema, config);
    expect(summary).toEqual({
      PORT: '3000',
      MASTER_KEY: '•••',
      QUEUE: 'postgres',
      DATABASE_URL: 'postgres://app:•••@db:5432/x',
      EMBEDDED: 'true',
      ORIGINS: 'a',
    });
  });

  it.each([
    ['amqp://u:p%40ss@h/vhost', 'amqp://u:•••@h/vhost'],
    ['postgres://u:pa:ss@h/x', 'postgres://u:•••@h/x'],
    ['postgres://u:a@b@h/x', 'postgres://u:•••@h/x'],
    ['redis://:secret@h', 'redis://:•••@h'],
    ['http://h:80/a@b', 'http://h:80/a@b'],
  ])('masks the password in %s', (address, masked) => {
    expect(withoutPassword(address)).toBe(masked);
  });
});
