import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const folder = join(__dirname, '../../libs/client/examples');

/** Where the published vectors are. */
export const vectorsFolder = join(__dirname, '../../docs/test-vectors');

export interface Example {
  language: string;
  /** Why it cannot run on this machine; undefined where it can. */
  missing?: string;
  /** Runs it with these words; the answer is what it printed. @throws when it ends with another code than 0 */
  run(words: string[], env?: Record<string, string>): Promise<string>;
  /** Removes what its runtime needed. */
  dispose(): void;
}

const answers = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, { timeout: 20_000 }).status === 0;

/** Python 3.9 is what the examples ask for. In the client `openssl` stands in for the package `cryptography`. */
const python = (): boolean => answers('python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 9))');
const cryptography = (): boolean => answers('python3', '-c', 'import cryptography');

function example(language: string, missing: string | undefined, program: string, ...first: string[]): Example {
  return {
    language,
    missing,
    dispose: () => undefined,
    run: async (words, env = {}) => {
      const options = { env: { ...process.env, ...env }, timeout: 60_000, maxBuffer: 1 << 20 };
      return (await promisify(execFile)(program, [...first, ...words], options)).stdout;
    },
  };
}

/** .NET writes what it builds beside the project, so the project is a copy outside the repository. */
function csharp(): Example {
  const missing = answers('dotnet', '--list-sdks') ? undefined : 'the .NET SDK (dotnet) is not on this machine';
  const copy = missing ? '' : mkdtempSync(join(tmpdir(), 'lienthong-csharp-'));
  if (copy) cpSync(join(folder, 'csharp'), copy, { recursive: true });
  const run = example('C#', missing, 'dotnet', 'run', '--project', join(copy, 'client.csproj'), '--');
  return { ...run, dispose: () => copy && rmSync(copy, { recursive: true, force: true }) };
}

/** The clients of libs/client/examples, in the order in which one sends to the next. */
export function examples(): Example[] {
  const unless = (there: boolean, what: string): string | undefined =>
    there ? undefined : `${what} is not on this machine`;
  const java =
    answers('java', '--list-modules') && spawnSync('java', ['--list-modules']).stdout.includes('jdk.compiler');
  const php = answers(
    'php',
    '-r',
    "exit(PHP_VERSION_ID >= 80000 && extension_loaded('curl') && extension_loaded('openssl') ? 0 : 1);",
  );
  const shell = [
    ['bash', '-c', '((BASH_VERSINFO[0] >= 4))'],
    ['openssl', 'version'],
    ['curl', '--fail-with-body', '--version'],
    ['jq', '--version'],
  ];
  const absent = shell.filter(([program, ...args]) => !answers(program, ...args)).map(([program]) => program);
  return [
    example(
      'Python',
      unless(python() && (cryptography() || answers('openssl', 'version')), 'Python 3.9 with cryptography or openssl'),
      'python3',
      join(folder, 'python/client.py'),
    ),
    example('Java', unless(java, 'a JDK of version 11 or later'), 'java', join(folder, 'java/Client.java')),
    example('PHP', unless(php, 'PHP 8 with curl and openssl'), 'php', join(folder, 'php/client.php')),
    csharp(),
    example('shell', unless(absent.length === 0, absent.join(', ')), 'bash', join(folder, 'shell/client.sh')),
  ];
}

/** Not in a hook: where every test of a file is skipped, no hook runs. */
export function sayWhatIsMissing(clients: Example[]): void {
  for (const { language, missing } of clients) {
    if (missing) process.stdout.write(`example ${language} skipped: ${missing}\n`);
  }
}

/** The verifier of evidence in Python. */
export const verifier = (): Example =>
  example(
    'Python',
    python() && cryptography() ? undefined : 'Python 3.9 with the package cryptography is not on this machine',
    'python3',
    join(folder, 'python/verify.py'),
  );
