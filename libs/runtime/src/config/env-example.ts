import type { Schema, Setting } from './setting';

/**
 * The text of `.env.example`: a section for the settings that several apps share, each once, then a section per app.
 * A setting with a default stands as a comment; one that must be set stands open.
 */
export function envExample(schemas: Record<string, Schema>): string {
  const apps = Object.keys(schemas);
  const users = new Map<string, string[]>();
  for (const app of apps)
    for (const name of Object.keys(schemas[app])) users.set(name, [...(users.get(name) ?? []), app]);

  const shared = [...users].filter(([, by]) => by.length > 1);
  const sections = [
    section(
      'Shared by several apps',
      shared.map(([name, by]) => entry(name, schemas, by, by.length === apps.length ? 'every app' : by.join(', '))),
    ),
    ...apps.map((app) =>
      section(
        app,
        Object.keys(schemas[app])
          .filter((name) => users.get(name)?.length === 1)
          .map((name) => entry(name, schemas, [app])),
      ),
    ),
  ];
  return `# Settings of Liên Thông, generated from the schemas of the apps. NAME_FILE may name a file that holds the value.\n\n${sections
    .filter((text) => text !== '')
    .join('\n')}`;
}

const section = (title: string, entries: string[]): string =>
  entries.length === 0 ? '' : `# ---- ${title} ----\n\n${entries.join('\n')}`;

function entry(name: string, schemas: Record<string, Schema>, apps: string[], usedBy?: string): string {
  const [first] = apps;
  const { description, rule, secret } = schemas[first][name];
  const defaults = new Set(apps.map((app) => defaultOf(schemas[app][name])));
  const notes = [
    rule,
    need(schemas[first][name]),
    ...(secret ? ['secret'] : []),
    ...(defaults.size > 1
      ? [`default per app: ${apps.map((app) => `${app} ${defaultOf(schemas[app][name])}`).join(', ')}`]
      : []),
    ...(usedBy ? [usedBy] : []),
  ].filter((note) => note !== '');
  const value = secret ? '' : defaultOf(schemas[first][name]);
  const open = need(schemas[first][name]) === 'required' ? '' : '# ';
  return `# ${description} [${notes.join('; ')}]\n${open}${name}=${value}\n`;
}

const need = (setting: Setting<unknown>): string =>
  setting.optional ? 'optional' : setting.default === undefined ? 'required' : '';

const defaultOf = (setting: Setting<unknown>): string => (setting.default === undefined ? '' : String(setting.default));
