import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const read = <T>(...path: string[]): T => JSON.parse(readFileSync(join(root, ...path), 'utf8')) as T;

interface Manifest {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  allowScripts?: Record<string, boolean>;
}
interface Locked {
  packages: Record<string, { link?: boolean; integrity?: string; hasInstallScript?: boolean; optional?: boolean }>;
}

describe('Dependencies', () => {
  const manifests = [
    '.',
    ...['libs', 'apps'].flatMap((kind) => readdirSync(join(root, kind)).map((one) => join(kind, one))),
  ];
  const { packages } = read<Locked>('package-lock.json');
  const installed = Object.entries(packages).filter(([path]) => path.includes('node_modules/'));

  it('A51: are exact versions, each under a digest in the lock file', () => {
    const versions = manifests.flatMap((folder) => {
      const { dependencies = {}, devDependencies = {} } = read<Manifest>(folder, 'package.json');
      return Object.entries({ ...dependencies, ...devDependencies });
    });
    expect(versions.length).toBeGreaterThan(60);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
    expect(installed.length).toBeGreaterThan(500);
    expect(installed.filter(([, { link, integrity }]) => !link && !integrity?.startsWith('sha512-'))).toEqual([]);
  });

  it('A51: run a script at their installation only where package.json says whether they may', () => {
    // Optional ones are programs for other machines, of which npm installs one at most.
    const { allowScripts = {} } = read<Manifest>('package.json');
    const scripted = installed
      .filter(([, { hasInstallScript, optional }]) => hasInstallScript && !optional)
      .map(([path]) => path.split('node_modules/').pop()!);
    expect(scripted.length).toBeGreaterThan(0);
    expect([...new Set(scripted)].filter((name) => !(name in allowScripts))).toEqual([]);
  });
});
