import type { AuditLine } from '@lienthong/signing';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PROGRAM = join(__dirname, '../../../libs/client/examples/python/verify_audit.py');

/** Whether this machine can run it. */
export const hasPython = spawnSync('python3', ['-c', 'import cryptography']).status === 0;

/** What the second verifier says of each bundle, in order. */
export async function pythonVerdicts(bundles: AuditLine[][], jwks: object, outside?: string): Promise<boolean[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lienthong-audit-'));
  try {
    const file = (name: string, content: string) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const keys = file('jwks.json', JSON.stringify(jwks));
    const kept = outside ? ['--checkpoint', file('outside.jws', outside)] : [];
    const verdicts: boolean[] = [];
    for (const [index, lines] of bundles.entries()) {
      const bundle = file(`${index}.ndjson`, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      verdicts.push(
        await promisify(execFile)('python3', [PROGRAM, bundle, keys, ...kept]).then(
          () => true,
          ({ code, stderr }: { code: number; stderr: string }) => {
            if (code !== 1) throw new Error(`verify_audit.py ended with ${code}: ${stderr}`);
            return false;
          },
        ),
      );
    }
    return verdicts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
