import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ReceiptBundle } from '@lienthong/contracts';
import { verifier } from './examples';

export interface Judgement {
  /** What `lienthong verify` said. */
  cli: string;
  /** Exit codes: of `lienthong verify`, and of the verifier in Python where it can run. */
  codes: number[];
}

/** @returns what a third party finds who has two files, no network, and either program */
export async function judged(bundle: ReceiptBundle, jwks: object, folder: string): Promise<Judgement> {
  mkdirSync(folder, { recursive: true });
  const [file, keys] = [join(folder, `${bundle.packetId}.json`), join(folder, 'jwks.json')];
  writeFileSync(file, JSON.stringify(bundle));
  writeFileSync(keys, JSON.stringify(jwks));
  const cli = join(__dirname, '../../libs/client/bin/lienthong.js');
  const run = (program: string, ...args: string[]) =>
    promisify(execFile)(program, args, { env: { PATH: process.env.PATH, LANG: 'en_US.UTF-8' } }).then(
      ({ stdout }) => ({ stdout, code: 0 }),
      ({ stdout, code }: { stdout: string; code: number }) => ({ stdout, code }),
    );
  const programs = [run(process.execPath, cli, 'verify', file, '--jwks', keys)];
  if (!verifier().missing)
    programs.push(run('python3', join(__dirname, '../../libs/client/examples/python/verify.py'), file, '--jwks', keys));
  const answers = await Promise.all(programs);
  return { cli: answers[0].stdout, codes: answers.map(({ code }) => code) };
}
