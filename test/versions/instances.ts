import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { AppName } from '@lienthong/contracts';
import { AppGateway } from '../support/app-gateway';
import { stackControl } from '../support/platform';

/** A version of the platform as it was built. */
export interface Version {
  name: string;
  folder: string;
}

/** Undefined where no run was asked for (`npm run test:versions -- REV`). */
export const FORMER: Version | undefined = process.env.FORMER_VERSION
  ? { name: 'former', folder: process.env.FORMER_VERSION }
  : undefined;
export const NEW: Version = { name: 'new', folder: join(__dirname, '../..') };

/** Who reads what others write goes first (docs/operator.md, section 8). */
export const ORDER: AppName[] = ['scheduler', 'notifier', 'auth', 'connector'];

/** Starts one instance as this version has it, and waits until it is ready. @throws when the process is of another version */
export async function startAs(name: string, { folder }: Version): Promise<void> {
  await stackControl('start-app', name, { [name]: { STACK_BUILD_DIR: folder } });
  const running = readlinkSync(`/proc/${await stackControl<number>('app-pid', name)}/cwd`);
  if (running !== folder) throw new Error(`${name} runs from ${running}, not from ${folder}.`);
}

export const stop = (name: string): Promise<void> => stackControl('stop-app', name);

/** Ends one instance as a restart does, and starts it as this version has it. @returns how long its end took, ms */
export async function replace(name: string, version: Version): Promise<number> {
  const asked = Date.now();
  await stop(name);
  const drained = Date.now() - asked;
  await startAs(name, version);
  return drained;
}

/** The instances with one number: all of one version while two are side by side. */
export interface Side {
  instance: number;
  version: Version;
  /** What goes there is answered by them alone. */
  baseUrl: string;
  close(): void;
}

/** An address of its own for the instances with this number. */
export async function sideOf(instance: number, version: Version): Promise<Side> {
  const ports = await stackControl<Record<AppName, number>>('app-ports', String(instance));
  const gateway = await AppGateway.open((app) => ports[app]);
  return { instance, version, baseUrl: gateway.baseUrl, close: () => gateway.close() };
}
