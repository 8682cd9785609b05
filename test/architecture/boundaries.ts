import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import * as ts from 'typescript';

/** A TypeScript file of the product, `path` from the root of the repository. */
export interface SourceFile {
  path: string;
  text: string;
}

/** What a project may import of ours (types count). The architecture of the README in one table; change both or none. */
export const MAY_IMPORT: Record<string, readonly string[]> = {
  contracts: [],
  signing: [],
  storage: ['contracts'],
  queue: ['contracts'],
  persistence: ['contracts', 'signing'],
  runtime: ['contracts'],
  identity: ['contracts', 'signing', 'runtime', 'persistence'],
  client: ['contracts', 'signing'],
  auth: ['contracts', 'runtime', 'persistence', 'signing', 'queue', 'identity'],
  connector: ['contracts', 'runtime', 'persistence', 'signing', 'queue', 'identity', 'storage'],
  scheduler: ['contracts', 'runtime', 'persistence', 'storage', 'queue', 'signing'],
  notifier: ['contracts', 'runtime', 'queue', 'signing', 'persistence', 'identity'],
  sso: ['contracts', 'runtime', 'persistence'],
  console: ['contracts', 'client'],
  standalone: [
    'contracts',
    'signing',
    'storage',
    'queue',
    'persistence',
    'runtime',
    'identity',
    'client',
    'auth',
    'connector',
    'scheduler',
    'notifier',
    'sso',
    'console',
  ],
};

/** Names that say nothing about what is inside; such a folder becomes the place for everything. */
const EMPTY_NAMES = ['common', 'shared', 'utils', 'util', 'helpers', 'core', 'services'];
const MAX_LINES = 300;
const MAX_FILES = 12;
/** A sequence that only grows, and that nobody may regroup. */
const MIGRATIONS = /\/migrations$/;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*\.ts$/;

/** Where settings are read: the start of a program, its settings, and programs of the command line. */
const MAY_READ_ENV = /(^|\/)(main|config|migrate|cli)\.ts$|\.(config|cli)\.ts$/;

/** @returns every TypeScript file under `libs/<x>/src` and `apps/<x>/src` */
export function sourceFiles(root: string): SourceFile[] {
  return ['libs', 'apps'].flatMap((kind) =>
    readdirSync(join(root, kind)).flatMap((project) => {
      const src = `${kind}/${project}/src`;
      if (!existsSync(join(root, src))) return [];
      return readdirSync(join(root, src), { recursive: true, encoding: 'utf8' })
        .map((name) => `${src}/${name}`)
        .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
        .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
    }),
  );
}

/** @returns what breaks a rule of the architecture, a sentence each, beginning with the file */
export function problemsOf(files: readonly SourceFile[]): string[] {
  return [
    ...files.flatMap((file) => [...importProblems(file), ...nameProblems(file), ...contentProblems(file)]),
    ...folderProblems(files),
    ...cycleProblems(files),
  ];
}

const projectOf = (path: string): string => path.split('/')[1];
const isSpec = (path: string): boolean => path.endsWith('.spec.ts');

/** Everything that `import`, `export … from`, `require` and `import()` name, type imports and `import('x').T` included. */
function importsOf({ text }: SourceFile): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

function importProblems(file: SourceFile): string[] {
  const project = projectOf(file.path);
  const allowed = MAY_IMPORT[project];
  if (!allowed)
    return [`${file.path}: the project ${project} is not in the table MAY_IMPORT; decide what it may import.`];
  return importsOf(file).flatMap((specifier) => {
    if (specifier.startsWith('.')) {
      const target = normalize(join(dirname(file.path), specifier));
      const home = file.path.split('/').slice(0, 3).join('/');
      if (target === home || target.startsWith(`${home}/`)) return [];
      return [`${file.path}: imports ${specifier}, outside its own project; import the library by its name.`];
    }
    const [, library, inside] = /^@lienthong\/([^/]+)(\/.*)?$/.exec(specifier) ?? [];
    if (!library) return [];
    if (inside)
      return [
        `${file.path}: imports ${specifier}; a library is entered only through its index, @lienthong/${library}.`,
      ];
    if (library === project) return [`${file.path}: imports its own project by name; use a relative path.`];
    if (allowed.includes(library)) return [];
    return [`${file.path}: ${project} may not import ${library} (it may: ${allowed.join(', ') || 'nothing of ours'}).`];
  });
}

function nameProblems({ path }: SourceFile): string[] {
  const [, project, , ...rest] = path.split('/');
  const name = rest.at(-1) ?? '';
  const empty = rest.slice(0, -1).filter((folder) => EMPTY_NAMES.includes(folder));
  return [
    ...empty.map((folder) => `${path}: a folder named ${folder} says nothing; name it after what it decides.`),
    ...(name === 'index.ts' && rest.length > 1 ? [`${path}: index.ts stands only at the root of ${project}/src.`] : []),
    ...(KEBAB_CASE.test(name) ? [] : [`${path}: file names are kebab-case, <thing>.<role>.ts.`]),
  ];
}

function contentProblems({ path, text }: SourceFile): string[] {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, false);
  const lines = tree.getLineStarts().length - (text.endsWith('\n') ? 1 : 0);
  return [
    ...(lines > MAX_LINES ? [`${path}: has ${lines} lines; split it by meaning, ${MAX_LINES} at most.`] : []),
    ...(hasDefaultExport(tree) ? [`${path}: has a default export; give it a name.`] : []),
    ...(!isSpec(path) && !MAY_READ_ENV.test(path) && readsEnv(tree)
      ? [`${path}: reads process.env; settings are read once, in main.ts, a config file or a command-line entry.`]
      : []),
  ];
}

function hasDefaultExport(tree: ts.SourceFile): boolean {
  return tree.statements.some((statement) => {
    if (ts.isExportAssignment(statement)) return !statement.isExportEquals;
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause))
      return statement.exportClause.elements.some(({ name }) => name.text === 'default');
    return (
      ts.canHaveModifiers(statement) &&
      (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
    );
  });
}

const isProcess = (node: ts.Node): boolean => ts.isIdentifier(node) && node.text === 'process';

function readsEnv(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node) && node.name.text === 'env' && isProcess(node.expression)) return true;
  if (
    ts.isElementAccessExpression(node) &&
    isProcess(node.expression) &&
    ts.isStringLiteralLike(node.argumentExpression) &&
    node.argumentExpression.text === 'env'
  )
    return true;
  if (
    ts.isVariableDeclaration(node) &&
    node.initializer &&
    isProcess(node.initializer) &&
    ts.isObjectBindingPattern(node.name)
  )
    return node.name.elements.some(({ propertyName, name }) => {
      const taken = propertyName ?? name;
      return ts.isIdentifier(taken) && taken.text === 'env';
    });
  return ts.forEachChild(node, readsEnv) ?? false;
}

function folderProblems(files: readonly SourceFile[]): string[] {
  const counts = new Map<string, number>();
  for (const { path } of files) if (!isSpec(path)) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  return [...counts]
    .filter(([folder, count]) => count > MAX_FILES && !MIGRATIONS.test(folder))
    .map(([folder, count]) => `${folder}: has ${count} source files; group them by meaning, ${MAX_FILES} at most.`);
}

/** Cycles between projects; the table allows none, so that one here means the table was changed badly. */
function cycleProblems(files: readonly SourceFile[]): string[] {
  const graph = new Map<string, Set<string>>();
  for (const file of files) {
    const targets = graph.get(projectOf(file.path)) ?? new Set();
    for (const specifier of importsOf(file)) {
      const library = /^@lienthong\/([^/]+)/.exec(specifier)?.[1];
      if (library && library !== projectOf(file.path)) targets.add(library);
    }
    graph.set(projectOf(file.path), targets);
  }
  const cycle = cycleIn(graph);
  return cycle ? [`${cycle.join(' → ')}: these projects import each other in a circle.`] : [];
}

/** @returns the nodes of one cycle, the first repeated at the end */
export function cycleIn(graph: ReadonlyMap<string, Iterable<string>>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle) return cycle;
  }
  return undefined;
}
