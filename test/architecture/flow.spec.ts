import { type AppName, FLOW, TASK_HANDLERS, TASK_KINDS } from '@lienthong/contracts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as ts from 'typescript';

const root = join(__dirname, '../..');
const APPS: readonly AppName[] = ['auth', 'connector', 'scheduler', 'notifier'];
const EDGES: Record<(typeof FLOW)[number]['cause'], string> = {
  http: '.controller.ts',
  task: '.consumer.ts',
  websocket: '.gateway.ts',
  timer: '.timer.ts',
  // A step that another one calls has no edge: its work itself stands for it.
  step: '.ts',
};
const EDGE = /\.(controller|consumer|gateway|timer)\.ts$/;

const filesUnder = (folder: string): string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`)
    : [];

/** Names of the files of test/flow, and the titles of what they test. */
function flowTests(): string[] {
  return filesUnder('test/flow')
    .filter((path) => path.endsWith('.test.ts'))
    .flatMap((path) => [basename(path), ...titlesIn(join(root, path))]);
}

function titlesIn(path: string): string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(describe|it|test)\b/.test(node.expression.getText(tree))) {
      const [title] = node.arguments;
      if (title && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title))) titles.push(title.getText(tree));
    }
    ts.forEachChild(node, visit);
  };
  const tree = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true);
  visit(tree);
  return titles;
}

const mentions = (text: string, step: string): boolean => new RegExp(`(?<![\\w-])${step}(?![\\w-])`).test(text);

describe('the flow', () => {
  it.each(FLOW.map((step) => [step.name, step] as const))(
    'has a folder with an edge for %s',
    (name, { app, cause }) => {
      const folder = `apps/${app}/src/${name}`;
      const edges = filesUnder(folder).filter((path) => path.endsWith(EDGES[cause]));
      expect({ folder, edge: EDGES[cause], found: edges.length > 0 }).toEqual({
        folder,
        edge: EDGES[cause],
        found: true,
      });
    },
  );

  it('has a flow test that names each step', () => {
    const texts = flowTests();
    expect(FLOW.map(({ name }) => name).filter((step) => !texts.some((text) => mentions(text, step)))).toEqual([]);
  });

  it('has no step folder that is not a row of the table', () => {
    const rows = new Set(FLOW.map(({ app, name }) => `apps/${app}/src/${name}`));
    const folders = APPS.flatMap((app) =>
      filesUnder(`apps/${app}/src`)
        .filter((path) => EDGE.test(path))
        .map(dirname),
    );
    expect([...new Set(folders)].filter((folder) => !rows.has(folder))).toEqual([]);
  });

  it('names every step once, and has the step of every task in the app that handles it', () => {
    const names = FLOW.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const tasks = FLOW.filter(({ cause }) => cause === 'task');
    expect(Object.fromEntries(tasks.map(({ name, app }) => [name, app]))).toEqual(TASK_HANDLERS);
    expect(tasks.map(({ name }) => name as string).toSorted()).toEqual([...TASK_KINDS].toSorted());
  });
});
