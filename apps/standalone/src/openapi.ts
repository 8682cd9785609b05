import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ErrorCode, ERRORS, LIMITS } from '@lienthong/contracts';
import { policySettings } from '@lienthong/connector';
import { streamSettings, webhookSettings } from '@lienthong/notifier';
import { ADMINISTRATOR, BEARER, type BearerScope, PUBLIC, SYSTEM } from '@lienthong/identity';
import { createLog, PROBLEMS, readConfig, RuntimeModule, Shutdown, start } from '@lienthong/runtime';
import { createStorage, storageSettingsOf } from '@lienthong/storage';
import type { Type } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { StandaloneModule, type StandaloneConfig } from './app.module';
import { DESCRIPTION, PLAIN_ROUTES, SECURITY_SCHEMES, SIGNED, TAGS } from './openapi/plain-routes';
import { requestClasses, tellRules } from './openapi/body-rules';
import { codesOf, PROBLEM, PROBLEM_EXAMPLES, PROBLEM_RESPONSES, problemResponses } from './openapi/problem-answers';
import { wireSchemas } from './openapi/wire-schemas';

/** Nothing is opened or connected to: Nest's preview mode knows the routes without making what serves them. */
const NOWHERE = {
  PUBLIC_URL: 'http://localhost:8080',
  DATABASE_URL: 'postgres://localhost/none',
  PLATFORM_SECRET: 'x'.repeat(43),
  DATABASE_POOL: 2,
  QUEUE: 'postgres',
  STORAGE: 'filesystem',
  DATA_DIR: './data',
  SWEEP_QUIET_SECONDS: 60,
  ...readConfig({ ...policySettings, ...streamSettings, ...webhookSettings }, {}),
} as unknown as StandaloneConfig;

/** The OpenAPI document of the whole platform, made from the code. */
export async function openapi(): Promise<OpenAPIObject> {
  const storage = createStorage(storageSettingsOf(NOWHERE));
  const composed = StandaloneModule.for(NOWHERE, {
    masterKeys: { masterKey: Buffer.alloc(32), others: [] },
    storage,
  });
  const log = createLog({ name: 'openapi', level: 'silent' });
  const app = await NestFactory.create(RuntimeModule.with(log, new Shutdown(), composed), {
    preview: true,
    logger: false,
    abortOnError: false,
  });
  const base = new DocumentBuilder()
    .setTitle('Liên Thông')
    .setDescription(DESCRIPTION)
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/');
  for (const [name, description] of TAGS) base.addTag(name, description);
  const document = SwaggerModule.createDocument(app, base.build());
  const handlers = handlersOf(app.get(ModulesContainer));
  for (const [method, operation] of operationsOf(document)) complete(method, operation, handlers);
  tellRules(document.components?.schemas as Parameters<typeof tellRules>[0], requestClasses(handlers));
  document.security = [SIGNED];
  Object.assign(document.paths, PLAIN_ROUTES);
  const schemas = {
    ...document.components?.schemas,
    ...wireSchemas(['Recipient', ...wireNames(document)]),
    Problem: PROBLEM,
  };
  document.components = {
    securitySchemes: SECURITY_SCHEMES,
    schemas: sorted(schemas),
    responses: sorted(PROBLEM_RESPONSES),
    examples: PROBLEM_EXAMPLES,
  } as OpenAPIObject['components'];
  return Object.assign(document, { 'x-limits': LIMITS, 'x-error-codes': Object.keys(ERRORS) });
}

interface Operation {
  operationId: string;
  description?: string;
  parameters?: { in: string; name: string; schema: object }[];
  responses: Record<string, Answer>;
  security?: object[];
}

const operationsOf = ({ paths }: OpenAPIObject): [string, Operation][] =>
  Object.values(paths).flatMap((path) => Object.entries(path as Record<string, Operation>));

/** Controller and method by the operation id that Nest gives them. */
function handlersOf(modules: ModulesContainer): Map<string, [Type, object]> {
  const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
  return new Map(
    controllers.flatMap(({ metatype }) => {
      const { name, prototype } = metatype as Type<Record<string, object>>;
      return Object.getOwnPropertyNames(prototype).map(
        (method) => [`${name}_${method}`, [metatype as Type, prototype[method]]] as const,
      );
    }),
  ) as Map<string, [Type, object]>;
}

/** Adds what follows from the guards and pipes of the route: who may call, what it may be refused with, the form of ids. */
function complete(method: string, operation: Operation, handlers: Map<string, [Type, object]>): void {
  const [controller, handler] = handlers.get(operation.operationId) as [Type, object];
  const is = (key: string) => (Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, controller)) === true;
  const signed = !is(PUBLIC);
  if (!signed) operation.security ??= [];
  const bearer = Reflect.getMetadata(BEARER, handler) as BearerScope | undefined;
  if (bearer) operation.security = [SIGNED, { bearer: [] }];
  if (bearer) operation.description = [operation.description, BEARER_TEXTS[bearer]].filter(Boolean).join(' ');
  const { parameters = [] } = operation;
  for (const { in: place, name, schema } of parameters)
    if (place === 'path' && UUID_PARAMETERS.includes(name)) Object.assign(schema, { format: 'uuid' });
  const own = (Reflect.getMetadata(PROBLEMS, handler) as ErrorCode[] | undefined) ?? [];
  const tokens: ErrorCode[] = bearer
    ? ['token_invalid', ...(bearer === 'list' ? [] : ['insufficient_scope' as const])]
    : signed
      ? ['token_not_accepted']
      : [];
  const codes = codesOf([...own, ...tokens], {
    signed,
    restricted: is(ADMINISTRATOR) || is(SYSTEM),
    body: method !== 'get',
    parameters: parameters.length > 0,
  });
  for (const [status, problem] of Object.entries(problemResponses(codes)))
    operation.responses[status] = either(operation.responses[status], problem);
}

interface Answer {
  $ref?: string;
  description?: string;
  content?: object;
}

/** A route with errors of its own form (OAuth 2) answers what every route is refused with as every route does. */
function either(own: Answer | undefined, problem: Answer): Answer {
  if (!own) return problem;
  const shared = PROBLEM_RESPONSES[problem.$ref?.split('/').at(-1) ?? ''] as Answer;
  return {
    description: `${own.description}; or ${shared.description}`,
    content: { ...own.content, ...shared.content },
  };
}

/** How a route keeps a bearer token to its data types. */
const BEARER_TEXTS: Record<BearerScope, string> = {
  item: 'Bearer tokens: for the data types in their scope; a packet of another is answered as one that does not exist.',
  list: 'Bearer tokens: shows only packets of the data types in their scope.',
  all: 'Bearer tokens: those with the scope * only.',
};

const UUID_PARAMETERS = ['packetId', 'deliveryId', 'grantId'];

/** The types of contracts that routes name and no class of theirs describes. */
function wireNames(document: OpenAPIObject): string[] {
  const named = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name);
  return [...new Set(named)].filter((name) => name !== 'Problem' && !(name in (document.components?.schemas ?? {})));
}

const sorted = <T>(of: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(of).toSorted(([a], [b]) => a.localeCompare(b, 'en')));

export const openapiText = async (): Promise<string> => `${JSON.stringify(await openapi(), null, 2)}\n`;

if (require.main === module)
  start(async () => writeFileSync(join(__dirname, '../../../docs/openapi.json'), await openapiText()));
