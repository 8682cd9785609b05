// MinIO, built once from its source module. Its community edition is archived: the platform uses the S3 API alone.
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, run } from './debian.mjs';
import { checkS3 } from './s3-check.mjs';
import { cacheDir, credentials, ports, say, StackError, stackPath } from './settings.mjs';
import { requireFreePort, runningPid, startProcess, stopProcess, waitUntilReady } from './supervise.mjs';

const name = 'minio';
const cached = join(cacheDir, 'bin', 'minio');

const findGo = () => findProgram('go');

function findMinio() {
  const go = findGo();
  const goBin = go && join(run('minio-build', go, ['env', 'GOPATH']).trim(), 'bin', 'minio');
  return findProgram(cached, ...(goBin ? [goBin] : []), 'minio');
}

/** Whether MinIO is here or can be made here. */
export const canHaveMinio = () => Boolean(findGo() || findMinio());

async function install() {
  if (findMinio()) return;
  if (!findGo()) throw new StackError('MinIO needs the Go toolchain to be built: install Go, or set STACK_S3=ceph.');
  say('building MinIO from its Go module (some minutes, once; kept in the user cache folder)');
  mkdirSync(join(cacheDir, 'bin'), { recursive: true });
  // Built aside and renamed, so that an interrupted build is never taken for a server.
  const aside = mkdtempSync(join(cacheDir, 'build-'));
  try {
    const env = { GOBIN: aside, GOFLAGS: '-p=2' };
    run('minio-build', 'nice', ['-n', '10', findGo(), 'install', 'github.com/minio/minio@latest'], { env });
    renameSync(join(aside, 'minio'), cached);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function version(program) {
  return run('minio-build', program, ['--version']).split('\n')[0].trim();
}

async function start() {
  const program = findMinio();
  if (runningPid(name) === undefined) {
    await requireFreePort(ports.s3, 'S3');
    mkdirSync(stackPath('minio'), { recursive: true, mode: 0o700 });
    const { s3AccessKey, s3SecretKey } = credentials();
    const env = {
      ...process.env,
      MINIO_ROOT_USER: s3AccessKey,
      MINIO_ROOT_PASSWORD: s3SecretKey,
      MINIO_BROWSER: 'off',
      // It would ask its maker's site for a newer version.
      MINIO_UPDATE: 'off',
    };
    await startProcess(name, program, ['server', '--quiet', '--address', `127.0.0.1:${ports.s3}`, stackPath('minio')], {
      env,
    });
  }
  await waitUntilReady(name, checkS3);
  return version(program);
}

const stop = () => stopProcess(name);

export const minio = { main: name, processes: [name], install, start, stop };
