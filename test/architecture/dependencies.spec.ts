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

/** Of a package, not of a file or of Node itself; types count, for whoever uses the declarations needs them. */
const IMPORT = /^(?:import|export)\b(?:[^;']*?\bfrom )? ?'((?!\.|node:)[^']+)'/gm;
const PACKAGE = /^(?:@[^/]+\/)?[^/]+/;

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

  it('are named by every workspace that imports them', () => {
    const workspaces = manifests.filter((folder) => folder !== '.');
    let looked = 0;
    const missing = workspaces.flatMap((folder) => {
      const { name, dependencies, devDependencies } = read<Manifest & { name: string }>(folder, 'package.json');
      const known = new Set([name, ...Object.keys({ ...dependencies, ...devDependencies })]);
      const sources = readdirSync(join(root, folder, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts') && !/\.(spec|fixture)\.ts$/.test(path))
        .map((path) => readFileSync(join(root, folder, 'src', path), 'utf8'));
      const imported = sources.flatMap((text) =>
        [...text.matchAll(IMPORT)].map(([, module]) => module.match(PACKAGE)![0]),
      );
      looked += imported.length;
      return [...new Set(imported)].filter((one) => !known.has(one)).map((one) => `${folder}: ${one}`);
    });
    expect(looked).toBeGreaterThan(500);
    expect(missing).toEqual([]);
  });
});
