import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

/** One answer of the platform as it went over the wire. */
export interface SeenAnswer {
  method: string;
  /** Path and query. */
  target: string;
  status: number;
  contentType: string | null;
  body: string;
}

type Json = Record<string, unknown>;
interface Response {
  $ref?: string;
  content?: Record<string, unknown>;
}
interface Operation {
  operationId: string;
  responses: Record<string, Response>;
}
interface Route {
  template: string;
  pattern: RegExp;
  operations: Record<string, Operation>;
}

const document = JSON.parse(readFileSync(join(__dirname, '../../docs/openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, Response> };
};
// OpenAPI has keywords of its own (example, nullable); whether the document is right OpenAPI is not asked here.
const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
ajv.addSchema(document, 'openapi');

/** Routes with fewer parameters first: `/v1/deliveries/confirmations` is no delivery. */
const ROUTES: Route[] = Object.entries(document.paths)
  .map(([template, operations]) => ({
    template,
    operations,
    pattern: new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }))
  .toSorted((a, b) => a.template.split('{').length - b.template.split('{').length);

/** Every operation that answers over plain HTTP, by its id. */
export const OPERATION_IDS = ROUTES.flatMap(({ operations }) => Object.values(operations))
  .map(({ operationId }) => operationId)
  .filter((id) => id !== 'stream');

/**
 * Holds an answer to docs/openapi.json: the status is one that the route may give, its media type too, the body has the form described there.
 * @returns the operation, and what is wrong in a sentence each; routes that there are not may only be answered with a problem document
 */
export function checkAnswer({ method, target, status, contentType, body }: SeenAnswer): {
  operationId?: string;
  problems: string[];
} {
  const path = target.split('?')[0];
  const what = `${method} ${path} → ${status}`;
  const route = ROUTES.find(({ pattern }) => pattern.test(path));
  const operation = route?.operations[method.toLowerCase()];
  const media = contentType?.split(';')[0] ?? null;
  if (!route || !operation) {
    const problems = status < 400 ? [`${what}: the document has no such route.`] : bodyProblems(PROBLEM, body);
    return { problems: problems.map((problem) => `${what}: ${problem}`) };
  }
  const named = operation.responses[status];
  const { operationId } = operation;
  if (!named) return { operationId, problems: [`${what}: this status is not documented. ${body.slice(0, 300)}`] };
  const [at, response] = named.$ref
    ? [named.$ref.slice(2).split('/'), document.components.responses[named.$ref.split('/')[3]]]
    : [['paths', route.template, method.toLowerCase(), 'responses', String(status)], named];
  if (!response.content)
    return { operationId, problems: body === '' ? [] : [`${what}: a body, where none is documented.`] };
  if (media === null || !(media in response.content))
    return { operationId, problems: [`${what}: media type ${media}, not ${Object.keys(response.content).join()}.`] };
  const problems = bodyProblems([...at, 'content', media, 'schema'], body, media);
  return { operationId, problems: problems.map((problem) => `${what}: ${problem}`) };
}

const PROBLEM = ['components', 'schemas', 'Problem'];
const compiled = new Map<string, ValidateFunction>();

function bodyProblems(schemaAt: string[], body: string, media = 'application/json'): string[] {
  const pointer = schemaAt
    .map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/');
  const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `openapi#/${pointer}` });
  compiled.set(pointer, validate);
  let value: Json | string = body;
  try {
    // A text may look like JSON all the same: one line of JSON lines.
    if (/[/+]json$/.test(media)) value = JSON.parse(body) as Json;
  } catch {
    // What is no JSON will not have the form either.
  }
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath || 'the body'} ${message} ${JSON.stringify(params)}`,
  );
}
