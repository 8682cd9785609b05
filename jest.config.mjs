// Nest 12 and several libraries ship only ES modules; Jest on Node 20 cannot require those, so SWC turns every such package into CommonJS.
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const root = new URL('.', import.meta.url).pathname;

function modulesOnly(dir) {
  return readdirSync(dir).flatMap((entry) => {
    if (entry.startsWith('.')) return [];
    const path = `${dir}/${entry}`;
    if (entry.startsWith('@')) return modulesOnly(path);
    if (!existsSync(`${path}/package.json`)) return [];
    const nested = existsSync(`${path}/node_modules`) ? modulesOnly(`${path}/node_modules`) : [];
    const { type } = JSON.parse(readFileSync(`${path}/package.json`, 'utf8'));
    return type === 'module' ? [path.split('/node_modules/').pop(), ...nested] : nested;
  });
}

const swc = (parser) => [
  '@swc/jest',
  {
    swcrc: false,
    sourceMaps: 'inline',
    jsc: {
      target: 'es2022',
      keepClassNames: true,
      parser,
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
    module: { type: 'commonjs' },
  },
];

const shared = {
  rootDir: root,
  testEnvironment: 'node',
  moduleNameMapper: {
    '^@lienthong/(auth|connector|scheduler|notifier)$': '<rootDir>/apps/$1/src/app.module.ts',
    '^@lienthong/([a-z]+)$': '<rootDir>/libs/$1/src/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/.stack', '<rootDir>/data', '/dist/'],
  transformIgnorePatterns: [
    `/node_modules/(?!(?:.*/node_modules/)?(?:${[...new Set(modulesOnly(`${root}node_modules`))].join('|')})/)`,
  ],
  transform: {
    '^.+\\.ts$': swc({ syntax: 'typescript', decorators: true }),
    '^.+\\.m?js$': swc({ syntax: 'ecmascript' }),
  },
};

export default {
  testSequencer: `${root}test/longest-first.mjs`,
  projects: [
    {
      ...shared,
      displayName: 'specs',
      testMatch: [
        '<rootDir>/apps/**/*.spec.ts',
        '<rootDir>/libs/**/*.spec.ts',
        '<rootDir>/test/architecture/*.spec.ts',
        '<rootDir>/test/faults/**/*.spec.ts',
        '<rootDir>/test/bench/**/*.spec.mjs',
      ],
    },
    { ...shared, displayName: 'conformance', testMatch: ['<rootDir>/test/conformance/**/*.test.ts'] },
    {
      ...shared,
      displayName: 'flow',
      testMatch: ['<rootDir>/test/flow/**/*.test.ts'],
      // Every answer that a flow test sees is held to the OpenAPI document.
      setupFilesAfterEnv: ['<rootDir>/test/support/openapi-watch.ts'],
    },
    {
      ...shared,
      displayName: 'abuse',
      testMatch: ['<rootDir>/test/abuse/**/*.test.ts'],
      setupFilesAfterEnv: ['<rootDir>/test/support/openapi-watch.ts'],
    },
    { ...shared, displayName: 'model', testMatch: ['<rootDir>/test/model/**/*.test.ts'] },
    { ...shared, displayName: 'faults', testMatch: ['<rootDir>/test/faults/**/*.test.ts'] },
    { ...shared, displayName: 'versions', testMatch: ['<rootDir>/test/versions/**/*.test.ts'] },
  ],
};
