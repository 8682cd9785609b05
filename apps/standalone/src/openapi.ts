import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS, LIMITS } from '@lienthong/contracts';
import { createLog, RuntimeModule, Shutdown, start } from '@lienthong/runtime';
import { createStorage, storageSettingsOf } from '@lienthong/storage';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { StandaloneModule, type StandaloneConfig } from './app.module';

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
} as unknown as StandaloneConfig;

/** The OpenAPI document of the whole platform, made from the code. */
export async function openapi(): Promise<OpenAPIObject> {
  const storage = createStorage(storageSettingsOf(NOWHERE));
  const composed = StandaloneModule.for(NOWHERE, { masterKey: Buffer.alloc(32), storage, migrate: false });
  const log = createLog({ name: 'openapi', level: 'silent' });
  const app = await NestFactory.create(RuntimeModule.with(log, new Shutdown(), composed), {
    preview: true,
    logger: false,
    abortOnError: false,
  });
  const base = new DocumentBuilder()
    .setTitle('Liên Thông')
    .setDescription(
      'Asynchronous exchange of liên thông packets between government agencies. Every request is signed by RFC 9421 (label sig); see docs/integrator.md. ' +
        'Errors are problem documents (RFC 9457) with a stable code.',
    )
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/')
    .addSecurity('signature', {
      type: 'apiKey',
      in: 'header',
      name: 'Signature',
      description: 'RFC 9421, with Signature-Input',
    })
    .addSecurityRequirements('signature')
    .build();
  const document = withProblems(SwaggerModule.createDocument(app, base));
  return Object.assign(document, { 'x-limits': LIMITS, 'x-error-codes': Object.keys(ERRORS) });
}

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457; further members depend on the code',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: {
      type: 'string',
      description: 'What happened and what to do next, in the language of Accept-Language (vi, en)',
    },
    instance: { type: 'string' },
    code: { type: 'string', enum: Object.keys(ERRORS) },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'message'],
        properties: { pointer: { type: 'string' }, code: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
};

/** Every operation may answer with a problem document. */
function withProblems(document: OpenAPIObject): OpenAPIObject {
  document.components = { ...document.components };
  document.components.schemas = { ...document.components.schemas, Problem: PROBLEM };
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  for (const path of Object.values(document.paths))
    for (const operation of Object.values(path as Record<string, { responses?: Record<string, unknown> }>))
      if (operation.responses) operation.responses.default ??= { description: 'A problem document', content };
  return document;
}

export const openapiText = async (): Promise<string> => `${JSON.stringify(await openapi(), null, 2)}\n`;

if (require.main === module)
  start(async () => writeFileSync(join(__dirname, '../../../docs/openapi.json'), await openapiText()));
