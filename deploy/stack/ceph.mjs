// Ceph's S3 gateway without containers: one monitor, manager, object store and gateway, each in the foreground.
// The object store keeps its data in one sparse file, so that it survives a restart.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, installPackages, run } from './debian.mjs';
import { checkS3 } from './s3-check.mjs';
import { credentials, ports, say, stackPath } from './settings.mjs';
import { requireFreePort, runningPid, startProcess, stopProcess, waitUntilReady } from './supervise.mjs';

const dir = stackPath('ceph');
const config = join(dir, 'ceph.conf');
const made = join(dir, 'made');
const common = ['-c', config];
const daemons = ['ceph-mon', 'ceph-mgr', 'ceph-osd', 'ceph-rgw'];
const packages = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-mgr', 'ceph-base', 'ceph-common'];

async function install() {
  const programs = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-mgr', 'ceph', 'radosgw-admin'];
  if (programs.some((program) => !findProgram(program))) await installPackages(packages, ['ceph.target']);
}

const ceph = (...args) => run('ceph', findProgram('ceph'), [...common, '--connect-timeout', '20', ...args]);

function writeConfig(fsid) {
  const paths = ['mon', 'mgr', 'osd', 'rgw'].map((part) => join(dir, part));
  for (const path of paths) mkdirSync(path, { recursive: true });
  writeFileSync(
    config,
    `[global]
fsid = ${fsid}
mon host = [v1:127.0.0.1:${ports.cephMon}]
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
mon data avail warn = 1
run dir = ${dir}
log file = ${dir}/$name.log
admin socket = ${dir}/$name.asok
mon data = ${dir}/mon
mgr data = ${dir}/mgr
osd data = ${dir}/osd
osd objectstore = bluestore
bluestore block create = true
bluestore block size = 10737418240
bluestore cache autotune = false
bluestore cache size = 268435456
ms bind ipv6 = false
public addr = 127.0.0.1
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:${ports.s3}
rgw data = ${dir}/rgw
`,
  );
}

async function startDaemon(daemon) {
  if (runningPid(daemon) !== undefined) return;
  const args = {
    'ceph-mon': ['-i', 'a'],
    'ceph-mgr': ['-i', 'a'],
    'ceph-osd': ['-i', '0'],
    'ceph-rgw': ['-n', 'client.rgw.a'],
  };
  const program = findProgram(daemon === 'ceph-rgw' ? 'radosgw' : daemon);
  await startProcess(daemon, program, [...common, ...args[daemon], '-f'], { cwd: dir });
}

async function start() {
  if (!daemons.every((daemon) => runningPid(daemon) !== undefined)) {
    await requireFreePort(ports.s3, 'S3');
    const first = !existsSync(made);
    const osd = randomUUID();
    if (first) {
      say('making a small Ceph cluster (about a minute)');
      rmSync(dir, { recursive: true, force: true });
      const fsid = randomUUID();
      writeConfig(fsid);
      const map = join(dir, 'monmap');
      const monitor = ['--addv', 'a', `[v1:127.0.0.1:${ports.cephMon}]`];
      run('ceph', findProgram('monmaptool'), ['--create', ...monitor, '--fsid', fsid, map, '--clobber']);
      run('ceph', findProgram('ceph-mon'), [...common, '--mkfs', '-i', 'a', '--monmap', map]);
    }
    await startDaemon('ceph-mon');
    await waitUntilReady('ceph-mon', () => ceph('mon', 'stat'));
    await startDaemon('ceph-mgr');
    if (first) {
      ceph('osd', 'new', osd);
      run('ceph', findProgram('ceph-osd'), [...common, '-i', '0', '--mkfs', '--osd-uuid', osd]);
    }
    await startDaemon('ceph-osd');
    await waitUntilReady('ceph-osd', () => {
      if (!ceph('osd', 'stat').includes('1 up')) throw new Error('the object store is not up');
    });
    if (first) ceph('osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=h');
    await startDaemon('ceph-rgw');
    if (first) {
      const { s3AccessKey, s3SecretKey } = credentials();
      await waitUntilReady('ceph-rgw', async () => void (await fetch(`http://127.0.0.1:${ports.s3}/`)), 120_000);
      const user = ['--uid=lienthong', '--display-name=lienthong'];
      const keys = [`--access-key=${s3AccessKey}`, `--secret-key=${s3SecretKey}`];
      run('ceph', findProgram('radosgw-admin'), [...common, 'user', 'create', ...user, ...keys]);
      writeFileSync(made, '');
    }
  }
  await waitUntilReady('ceph-rgw', checkS3, 120_000);
  return run('ceph', findProgram('radosgw'), ['--version']).trim();
}

async function stop() {
  const ended = await stopProcess('ceph-rgw');
  for (const daemon of ['ceph-osd', 'ceph-mgr', 'ceph-mon']) await stopProcess(daemon);
  return ended;
}

export const cephRgw = { main: 'ceph-rgw', processes: daemons, install, start, stop };
