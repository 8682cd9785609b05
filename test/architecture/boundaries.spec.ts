import { join } from 'node:path';
import { cycleIn, MAY_IMPORT, problemsOf, sourceFiles } from './boundaries';

const root = join(__dirname, '../..');

describe('the boundaries of the repository', () => {
  const files = sourceFiles(root);

  it('are kept by every file', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(problemsOf(files)).toEqual([]);
  });

  it('form a table without circles', () => {
    expect(cycleIn(new Map(Object.entries(MAY_IMPORT)))).toBeUndefined();
  });
});

const problems = (path: string, text = '') => problemsOf([{ path, text }]);

const folder = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ path: `libs/queue/src/q${at}.ts`, text: '' }));

describe('problemsOf', () => {
  it.each([
    ['an import', "import { x } from '@lienthong/persistence';"],
    ['a type import', "import type { X } from '@lienthong/persistence';"],
    ['an export from', "export * from '@lienthong/persistence';"],
    ['a require', "const x = require('@lienthong/persistence');"],
    ['an import()', "const x = await import('@lienthong/persistence');"],
    ['an import for its effect', "import '@lienthong/persistence';"],
    ['a type by import()', "type X = import('@lienthong/persistence').X;"],
  ])('sees %s that the table does not allow', (_what, text) => {
    expect(problems('libs/queue/src/queue.ts', text)).toEqual([
      'libs/queue/src/queue.ts: queue may not import persistence (it may: contracts).',
    ]);
    expect(problems('apps/auth/src/main.ts', text)).toEqual([]);
  });

  it.each([
    ['apps/auth/src/a.ts', "import '@lienthong/queue/dist/lanes';", 'entered only through its index'],
    ['apps/auth/src/a.ts', "import '../../../libs/queue/src/lanes';", 'outside its own project'],
    ['libs/queue/src/a.ts', "import '@lienthong/queue';", 'its own project by name'],
    ['libs/other/src/a.ts', '', 'not in the table'],
    ['libs/queue/src/helpers/a.ts', '', 'a folder named helpers says nothing'],
    ['libs/queue/src/driver/index.ts', '', 'index.ts stands only at the root'],
    ['libs/queue/src/QueueModule.ts', '', 'kebab-case'],
    ['libs/queue/src/a.ts', 'export default 1;', 'default export'],
    ['libs/queue/src/a.ts', 'export default class A {}', 'default export'],
    ['libs/queue/src/a.ts', 'const a = 1; export { a as default };', 'default export'],
    ['libs/queue/src/a.ts', 'const a = process.env.A;', 'reads process.env'],
    ['libs/queue/src/a.ts', "const a = process['env'];", 'reads process.env'],
    ['libs/queue/src/a.ts', 'const { env } = process;', 'reads process.env'],
    ['libs/queue/src/a.ts', '\n'.repeat(301), 'has 301 lines'],
  ])('says of %s with %j what is wrong', (path, text, expected) => {
    expect(problems(path, text)).toEqual([expect.stringContaining(expected)]);
  });

  it.each([
    ['apps/auth/src/open-session/open-session.controller.ts', "import { x } from '../sessions';"],
    ['apps/auth/src/main.ts', 'start(() => boot(process.env));'],
    ['apps/auth/src/config.ts', '// process.env\nexport const a = process.env;'],
    ['libs/queue/src/index.ts', "export * from './lanes';"],
    ['libs/queue/src/a.ts', '// process.env is read elsewhere\n'.repeat(300)],
  ])('has nothing to say of %s with %j', (path, text) => {
    expect(problems(path, text)).toEqual([]);
  });

  it('counts the files of a folder without its specs', () => {
    const spec = { path: 'libs/queue/src/q.spec.ts', text: '' };
    expect(problemsOf([...folder(12), spec])).toEqual([]);
    expect(problemsOf(folder(13))).toEqual(['libs/queue/src: has 13 source files; group them by meaning, 12 at most.']);
  });

  it('sees projects that import each other in a circle', () => {
    const found = problemsOf([
      { path: 'libs/queue/src/a.ts', text: "import '@lienthong/storage';" },
      { path: 'libs/storage/src/a.ts', text: "import '@lienthong/queue';" },
    ]);
    expect(found).toContain('queue → storage → queue: these projects import each other in a circle.');
  });
});
