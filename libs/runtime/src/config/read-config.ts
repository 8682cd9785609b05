import { readFileSync } from 'node:fs';
import type { ConfigOf, Schema } from './setting';

/** What is wrong with the settings, all of it at once: one sentence each. Never holds the value of a secret. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The settings are not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/**
 * Reads the settings of a schema. `NAME_FILE` names a file whose content (trimmed) is the value, for secrets that an
 * orchestrator mounts; an empty value counts as not set.
 * @param check rules over several settings (`S3_BUCKET` is needed with `STORAGE=s3`); one sentence for each broken one
 * @throws ConfigError with every problem found
 */
export function readConfig<S extends Schema>(
  schema: S,
  env: NodeJS.ProcessEnv,
  check: (config: ConfigOf<S>) => string[] = () => [],
): ConfigOf<S> {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};

  for (const [name, setting] of Object.entries(schema)) {
    const raw = rawValue(name, env, problems);
    if (raw === undefined) {
      if (setting.default === undefined && !setting.optional && !env[`${name}_FILE`]) {
        problems.push(`${name} is not set; it must be ${setting.rule} (${setting.description}).`);
      }
      config[name] = setting.default;
      continue;
    }
    const read = setting.reader.safeParse(raw);
    if (read.success) config[name] = read.data;
    else problems.push(`${name} must be ${setting.rule}${setting.secret ? '' : `, not ${JSON.stringify(raw)}`}.`);
  }

  if (problems.length === 0) problems.push(...check(config as ConfigOf<S>));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config) as ConfigOf<S>;
}

function rawValue(name: string, env: NodeJS.ProcessEnv, problems: string[]): string | undefined {
  const file = env[`${name}_FILE`];
  if (!file) return env[name] || undefined;
  if (env[name]) {
    problems.push(`${name} and ${name}_FILE are both set; keep one of them.`);
    return undefined;
  }
  try {
    const content = readFileSync(file, 'utf8').trim();
    if (content === '') problems.push(`${name}_FILE names a file that is empty.`);
    return content || undefined;
  } catch (error) {
    problems.push(`${name}_FILE names a file that cannot be read (${(error as NodeJS.ErrnoException).code}).`);
    return undefined;
  }
}

const MASK = '•••';

/** The settings as they may be logged at start: secrets as `•••`, addresses without their password. */
export function maskedSummary<S extends Schema>(schema: S, config: ConfigOf<S>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(schema).map(([name, setting]) => {
      const value: unknown = config[name];
      if (value === undefined || value === '') return [name, '(not set)'];
      return [name, setting.secret ? MASK : withoutPassword(String(value))];
    }),
  );
}

/** @returns the text with the password of every address in it (`scheme://user:password@host`) masked */
export const withoutPassword = (text: string): string => text.replace(/(:\/\/[^\s:/?#@"]*):[^\s/"]*@/g, `$1:${MASK}@`);
