import type { Type } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { boot, type BootOptions, type RunningApp } from './boot';
import { type ProcessConfig, processSettings } from './config/process-settings';
import { readConfig } from './config/read-config';
import { createLog } from './log';

export interface Started extends RunningApp {
  url: string;
  /** Log lines so far, parsed. */
  lines: Record<string, unknown>[];
}

/** For specs: an app with the controllers given, on a free loopback port, its log in memory. */
export async function startApp(
  controllers: Type[],
  {
    env = {},
    ...options
  }: Partial<Omit<BootOptions, 'config'>> & { env?: Partial<Record<keyof ProcessConfig, string>> } = {},
): Promise<Started> {
  @Module({ controllers })
  // oxlint-disable-next-line typescript/no-extraneous-class -- the shape that Nest gives to a module
  class App {}

  const lines: Record<string, unknown>[] = [];
  const log = createLog({ name: 'spec', level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) });
  const config = readConfig(processSettings, { PORT: '0', HOST: '127.0.0.1', ...env });
  const running = await boot({ name: 'spec', module: App, config, log, ownsProcess: false, ...options });
  return { ...running, url: `http://127.0.0.1:${running.port}`, lines };
}
