import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Schema {
  $ref?: string;
  properties?: Record<string, unknown>;
}
interface Operation {
  security?: Record<string, unknown>[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}
const document = JSON.parse(readFileSync(join(__dirname, '../../docs/openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

export interface DocumentedRoute {
  method: string;
  template: string;
  /** A path that fits; there is nothing under it. */
  path: string;
  administrators: boolean;
  isPublic: boolean;
  /** Names of the fields of its JSON body; none where it takes none. */
  fields?: string[];
}

const VALUES: Record<string, string> = { code: 'H99.ABC', slug: 'qlvb', accessKey: 'AK0123456789ABCDEF01234567' };
const ID = '019aa0b0-0000-7000-8000-000000000001';

function pathOf(template: string): string {
  const values: Record<string, string> = template.includes('/data-types/') ? { code: 'file' } : VALUES;
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? ID);
}

/** Every route of the OpenAPI document. */
export const DOCUMENTED_ROUTES: DocumentedRoute[] = Object.entries(document.paths).flatMap(([template, operations]) =>
  Object.entries(operations).map(([method, { security, requestBody }]) => ({
    method: method.toUpperCase(),
    template,
    path: pathOf(template),
    administrators: template.startsWith('/v1/admin/'),
    isPublic: security?.length === 0,
    fields: fieldsOf(requestBody?.content['application/json']?.schema),
  })),
);

function fieldsOf(schema?: Schema): string[] | undefined {
  if (!schema) return undefined;
  const named = schema.$ref ? document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] : schema;
  return Object.keys(named.properties ?? {});
}
