import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ForgetfulDisk } from '../../support/forgetful-disk';
import { onRealStack, type Platform, stackControl, startPlatform, startStandalone } from '../../support/platform';
import { packetsInBucket, packetsUnder } from '../campaign/kept-content';

/** A platform all of whose data lies on disks that forget. */
export interface Scene {
  platform: Platform;
  /** Each a file system of its own: what one syncs does nothing for another. */
  disks: ForgetfulDisk[];
  /** Where content lies. */
  content: string;
  /** Packets that have content, as the store says. */
  kept(): Promise<string[]>;
  /** Cuts the power and returns when everything has started again. */
  cutPower(): Promise<void>;
  end(): Promise<void>;
}

/** The platform's own default is beyond the time of a test. */
const SETTINGS = { SWEEP_QUIET_SECONDS: '2', DEADLINE_WATCH_SECONDS: '1', AUDIT_SEAL_SECONDS: '1' };
const SERVERS = ['postgres', 'rabbitmq', 's3'];

export const setScene = (): Promise<Scene> => (onRealStack ? realStack() : embedded());

async function embedded(): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-power-'));
  const content = join(folder, 'content');
  const disks = [ForgetfulDisk.mount(folder, 1024)];
  let platform: Platform | undefined;
  const end = async () => {
    await platform?.stop();
    for (const disk of disks.toReversed()) disk.remove();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    disks.push(ForgetfulDisk.mount(content, 256));
    platform = await startStandalone({ DATA_DIR: folder, ...SETTINGS });
  } catch (error) {
    await end();
    throw error;
  }
  const { kill9, start } = { kill9: () => platform.kill9(), start: () => platform.start() };
  return {
    platform,
    disks,
    content,
    kept: () => packetsUnder(content),
    cutPower: async () => {
      await ForgetfulDisk.cutPower(disks, kill9);
      await start();
    },
    end,
  };
}

async function realStack(): Promise<Scene> {
  const platform = await startPlatform();
  const { s3Folder, brokerFolder, postgresFolder } = await stackControl<Record<string, string>>('describe');
  const settings = Object.fromEntries(
    ['auth', 'connector', 'scheduler', 'notifier'].flatMap((app) =>
      [1, 2].map((instance) => [`${app}-${instance}`, SETTINGS]),
    ),
  );
  const stop = async () => {
    await stackControl('kill-apps');
    for (const server of SERVERS.toReversed()) await stackControl('stop-server', server);
  };
  const start = async (own = settings) => {
    for (const server of SERVERS) await stackControl('start-server', server);
    await stackControl('start-apps', '', own);
  };
  const disks: ForgetfulDisk[] = [];
  const end = async () => {
    await stop();
    for (const disk of disks) disk.remove();
    await start({});
    await platform.stop();
  };
  await stop();
  try {
    for (const folder of [postgresFolder, brokerFolder]) disks.push(ForgetfulDisk.mount(folder, 1024));
    // MinIO syncs what is in a file, and not that there is one (docs/storage.md).
    disks.push(ForgetfulDisk.mount(s3Folder, 1024, 'dirsync'));
    await start();
  } catch (error) {
    await end();
    throw error;
  }
  return {
    platform,
    disks,
    content: s3Folder,
    kept: packetsInBucket,
    cutPower: async () => {
      await ForgetfulDisk.cutPower(disks, () =>
        Promise.all([stackControl('kill-apps'), ...SERVERS.map((server) => stackControl('kill-server', server))]),
      );
      await start();
    },
    end,
  };
}
