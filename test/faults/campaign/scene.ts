import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type InstanceSettings,
  onRealStack,
  type Platform,
  stackControl,
  startPlatform,
  startStandalone,
} from '../../support/platform';
import { setting } from '../../support/setting';
import { cannotMount, SmallDisk } from '../../support/small-disk';
import { clockFaults, clockSettings } from './clock';
import type { Fault, Random } from './fault';
import { diskFault, embeddedFaults, stackFaults } from './faults';
import { packetsInBucket, packetsUnder } from './kept-content';
import { type Link, networkFaults, openLink } from './network';

/** A platform that faults of every kind can reach, and what is put back when all is over. */
export interface Scene {
  platform: Platform;
  faults: Fault[];
  /** Where content lies. */
  content: string;
  /** Packets that have content, as the store says to a client of its own. @throws while it cannot say */
  kept(): Promise<string[]>;
  /** What cannot be done here, and why. */
  left: string[];
  end(): Promise<void>;
}

const DISK_MIB = 128;
/** Rejections that are to come again do so within the campaign. */
const SOON = { REJECTION_RETRY_SECONDS: '2' };
const INSTANCES = [1, 2];
/** The settings that name a server, and the apps that go there. */
const WAYS: [server: string, name: string, apps: string[]][] = [
  ['PostgreSQL', 'DATABASE_URL', ['auth', 'connector', 'scheduler', 'notifier']],
  ['RabbitMQ', 'RABBITMQ_URL', ['connector', 'scheduler', 'notifier']],
  ['S3', 'S3_ENDPOINT', ['connector', 'scheduler']],
];

/** @param isLong there is time for faults of half a minute */
export const setScene = (random: Random, isLong: boolean): Promise<Scene> =>
  onRealStack ? realStack(random, isLong) : embedded(random);

async function embedded(random: Random): Promise<Scene> {
  const reason = cannotMount();
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-campaign-'));
  const content = join(folder, 'content');
  const disk = reason ? undefined : SmallDisk.mount(content, DISK_MIB);
  const clock = join(folder, 'clock');
  let platform: Platform | undefined;
  const end = async () => {
    await platform?.stop();
    disk?.remove();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    platform = await startStandalone({
      DATA_DIR: folder,
      SWEEP_QUIET_SECONDS: '5',
      DEADLINE_WATCH_SECONDS: '1',
      AUDIT_SEAL_SECONDS: '1',
      ...SOON,
      ...clockSettings(clock),
    });
  } catch (error) {
    await end();
    throw error;
  }
  const faults = [...embeddedFaults(platform), ...clockFaults([clock], random), ...(disk ? [diskFault(disk)] : [])];
  const kept = () => packetsUnder(content);
  return { platform, faults, content, kept, left: reason ? [`a full disk: ${reason}`] : [], end };
}

async function realStack(random: Random, isLong: boolean): Promise<Scene> {
  const platform = await startPlatform();
  const { s3Folder, applicationUrl } = await stackControl<Record<string, string>>('describe');
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-campaign-'));
  const reason = cannotMount();
  const links: Link[] = [];
  const settings: InstanceSettings = {};
  const clocks: string[] = [];
  for (const app of ['auth', 'connector', 'scheduler', 'notifier'])
    for (const instance of INSTANCES) {
      const process = `${app}-${instance}`;
      clocks.push(join(folder, process));
      // Addresses for clients are those of the server itself.
      settings[process] = {
        ...SOON,
        ...clockSettings(join(folder, process)),
        S3_PUBLIC_ENDPOINT: setting('S3_ENDPOINT')!,
      };
      for (const [server, name, apps] of WAYS) {
        if (!apps.includes(app)) continue;
        const url = name === 'DATABASE_URL' ? applicationUrl : setting(name)!;
        const link = await openLink(process, server, url);
        links.push(link);
        settings[process][name] = link.proxy.address(url).replace(/\/$/, '');
      }
    }
  await stackControl('kill-apps');
  let disk: SmallDisk | undefined;
  if (!reason) {
    await stackControl('stop-server', 's3');
    disk = SmallDisk.mount(s3Folder, DISK_MIB);
    await stackControl('start-server', 's3');
  }
  await stackControl('start-apps', '', settings);
  return {
    platform,
    faults: [
      ...stackFaults(settings, random, isLong),
      ...networkFaults(links, random),
      ...clockFaults(clocks, random),
      ...(disk ? [diskFault(disk)] : []),
    ],
    content: s3Folder,
    kept: packetsInBucket,
    left: reason ? [`a full disk: ${reason}`] : [],
    end: async () => {
      await stackControl('kill-apps');
      if (disk) {
        await stackControl('stop-server', 's3');
        disk.remove();
        await stackControl('start-server', 's3');
      }
      await stackControl('start-apps');
      for (const { proxy } of links) await proxy.cut();
      rmSync(folder, { recursive: true, force: true });
      await platform.stop();
    },
  };
}
