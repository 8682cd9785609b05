import { authSettings } from '../../apps/auth/src/auth.config';
import { connectorSettings } from '../../apps/connector/src/connector.config';
import { notifierSettings } from '../../apps/notifier/src/notifier.config';
import { schedulerSettings } from '../../apps/scheduler/src/scheduler.config';
import { readConfig, type Schema } from '@lienthong/runtime';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const root = join(__dirname, '../..');
const SETTINGS: Record<string, Schema> = {
  auth: authSettings,
  connector: connectorSettings,
  scheduler: schedulerSettings,
  notifier: notifierSettings,
};

interface Service {
  command?: string[];
  environment?: Record<string, string>;
}

/** What compose makes of `${NAME}`, `${NAME:-default}` and `${NAME:?why}`, with a secret for each that has no default. */
const filledIn = (text: string): string =>
  text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, sign?: string, rest?: string) =>
    sign === '-' ? (rest ?? '') : `value-of-${name.toLowerCase()}`,
  );

describe('deploy/compose.yml and the image', () => {
  const { services } = parse(filledIn(readFileSync(join(root, 'deploy/compose.yml'), 'utf8')), { merge: true }) as {
    services: Record<string, Service>;
  };

  it.each(Object.keys(SETTINGS))('gives %s settings that it takes, and none that it does not know', (app) => {
    const environment = services[app].environment ?? {};
    const settings = SETTINGS[app];
    expect(() => readConfig(settings, environment)).not.toThrow();
    // One block of settings serves all apps; what one of them does not know must be a setting of another.
    const known = new Set(Object.values(SETTINGS).flatMap((schema) => Object.keys(schema)));
    expect(Object.keys(environment).filter((name) => !known.has(name) && name !== 'RABBITMQ_MANAGEMENT_URL')).toEqual(
      [],
    );
    expect('MASTER_KEY' in environment).toBe(app === 'auth');
  });

  it('lets the platform work as another role than the one that owns the tables', () => {
    const userOf = (url: string) => new URL(url).username;
    const { MIGRATION_DATABASE_URL: owner, DATABASE_URL: application } = services.migrate.environment ?? {};
    expect([userOf(owner), userOf(application)]).toEqual(['lienthong', 'lienthong_app']);
    expect(services.postgres.environment?.POSTGRES_USER).toBe('lienthong');
    for (const app of Object.keys(SETTINGS)) expect(services[app].environment?.DATABASE_URL).toBe(application);
    expect(JSON.stringify(Object.keys(SETTINGS).map((app) => services[app]))).not.toContain(
      'value-of-postgres_password',
    );
  });

  it('starts programs that the build makes', () => {
    const commands = Object.values(services).flatMap(({ command }) => command ?? []);
    const programs = commands.filter((word) => /^(apps|libs)\//.test(word));
    expect(programs.length).toBe(5);
    for (const program of programs) {
      const source = program.replace('/dist/', '/src/').replace(/\.js$/, '.ts');
      expect([program, existsSync(join(root, source))]).toEqual([program, true]);
    }
  });

  it('leaves nothing out of the image that the build needs', () => {
    const ignore = readFileSync(join(root, 'deploy/Dockerfile.dockerignore'), 'utf8').split('\n');
    const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    for (const path of allowed) expect([path, existsSync(join(root, path))]).toEqual([path, true]);
    const { references } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as {
      references: { path: string }[];
    };
    for (const { path } of references) expect(allowed).toContain(path.replace(/^\.\//, '').split('/')[0]);
  });
});
