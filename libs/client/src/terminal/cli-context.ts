import type { Language } from '@lienthong/contracts';
import type { Command } from 'commander';
import { LienThongClient } from '../client';
import { Output } from './output';
import { readSettings, type Settings, type SettingsSource } from './settings';

/** What a run of the program has of the world around it; `process` in the real one. */
export interface Surroundings {
  env: Record<string, string | undefined>;
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  stderr: NodeJS.WritableStream & { isTTY?: boolean };
  /** Aborted when the user stops the program (Ctrl+C, SIGTERM). */
  signal: AbortSignal;
}

/** Chooses the text of the language in use. */
export type Say = (vi: string, en: string) => string;

/** What every command gets: its texts, its output, and a client with the settings of this run. */
export class CliContext {
  readonly say: Say;
  readonly out: Output;
  exitCode = 0;
  private readonly clients: LienThongClient[] = [];

  constructor(
    readonly language: Language,
    readonly surroundings: Surroundings,
    private readonly globals: () => { url?: string; keyFile?: string; json?: boolean },
  ) {
    this.say = (vi, en) => (language === 'vi' ? vi : en);
    this.out = new Output(surroundings, () => globals().json ?? false, language);
  }

  get signal(): AbortSignal {
    return this.surroundings.signal;
  }

  async settings(source: SettingsSource = {}): Promise<Settings> {
    const settings = await readSettings(this.globals(), this.surroundings.env, source, this.language);
    for (const warning of settings.warnings) this.out.note(warning);
    return settings;
  }

  /** A client with the settings of this run; closed when the run ends. */
  async client(source: SettingsSource & { session?: boolean } = {}): Promise<LienThongClient> {
    const { baseUrl, credentials } = await this.settings(source);
    return this.connect({ baseUrl, ...credentials, session: source.session });
  }

  connect(options: ConstructorParameters<typeof LienThongClient>[0]): LienThongClient {
    const client = new LienThongClient({ language: this.language, ...options });
    this.clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }
}

/** One file per command gives one of these. */
export type CommandMaker = (cli: CliContext) => Command;
