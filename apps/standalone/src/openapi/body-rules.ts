import { type FieldRule, rulesOf } from '@lienthong/runtime';
import type { Type } from '@nestjs/common';

type Schema = Record<string, unknown> & { items?: Schema; enum?: unknown[] };
interface ClassSchema extends Schema {
  properties?: Record<string, Schema>;
}

/** What a rule says in words of JSON Schema; rules without such words are told in descriptions. */
const WORDS: Record<string, (...constraints: unknown[]) => Schema> = {
  isInt: () => ({ type: 'integer' }),
  isUuid: () => ({ format: 'uuid' }),
  isNotEmpty: () => ({ minLength: 1 }),
  isLength: (minLength, maxLength) => ({ minLength, maxLength }),
  maxLength: (maxLength) => ({ maxLength }),
  min: (minimum) => ({ minimum }),
  max: (maximum) => ({ maximum }),
  matches: (form) => patternOf(form as RegExp),
  arrayNotEmpty: () => ({ minItems: 1 }),
  arrayMaxSize: (maxItems) => ({ maxItems }),
  arrayUnique: () => ({ uniqueItems: true }),
};

/** Classes of characters by Unicode are not of the dialect that OpenAPI 3.0 asks for, and few readers of it know them. */
const patternOf = ({ source }: RegExp): Schema => (source.includes('\\p{') ? {} : { pattern: source });

/**
 * Completes the schemas of requests by the rules that requests are held to: unknown fields are refused, forms and lengths, and null where it counts as
 * left out. One truth for the pipe and the document.
 * @param schemas by the names of the classes; changed in place
 * @param dtos the classes that routes take, and those within them
 */
export function tellRules(schemas: Record<string, ClassSchema>, dtos: Iterable<Type>): void {
  for (const dto of dtos) {
    const schema = schemas[dto.name];
    const rules = rulesOf(dto);
    if (!schema?.properties) continue;
    schema.additionalProperties = false;
    for (const [name, property] of Object.entries(schema.properties))
      schema.properties[name] = told(
        property,
        rules.filter((rule) => rule.property === name),
      );
  }
}

function told(property: Schema, rules: FieldRule[]): Schema {
  const whole = rules.filter(({ each }) => !each);
  const each = rules.filter((rule) => rule.each);
  const items = property.items && each.length > 0 ? { items: { ...property.items, ...words(each) } } : {};
  const one = { ...property, ...items, ...words(whole) };
  return rules.some(({ name }) => name === 'isOptional') ? orNull(one) : one;
}

const words = (rules: FieldRule[]): Schema =>
  Object.assign({}, ...rules.map(({ name, constraints }) => WORDS[name]?.(...constraints) ?? {})) as Schema;

/** Beside a reference OpenAPI 3.0 reads nothing. */
function orNull({ $ref, ...schema }: Schema): Schema {
  const one = $ref === undefined ? schema : { ...schema, allOf: [{ $ref }] };
  const values = one.enum && !one.enum.includes(null) ? { enum: [...one.enum, null] } : {};
  return { ...one, ...values, nullable: true };
}

/** Where @nestjs/swagger keeps what its decorators were told; it exports no reader. */
const PROPERTY_NAMES = 'swagger/apiModelPropertiesArray';
const PROPERTY = 'swagger/apiModelProperties';

/** @param handlers controller by operation id (`<controller>_<method>`) @returns the classes that they take, and those of their fields */
export function requestClasses(handlers: Map<string, [Type, object]>): Set<Type> {
  const found = new Set<Type>();
  const add = (of: unknown): void => {
    const named: unknown = Array.isArray(of) ? (of as unknown[])[0] : of;
    if (!isRequest(named) || found.has(named)) return;
    found.add(named);
    const prototype = named.prototype as object;
    for (const name of (Reflect.getMetadata(PROPERTY_NAMES, prototype) as string[] | undefined) ?? [])
      add((Reflect.getMetadata(PROPERTY, prototype, name.slice(1)) as { type?: unknown }).type);
  };
  for (const [operationId, [controller]] of handlers) {
    const [, method] = operationId.split('_');
    const taken = Reflect.getMetadata('design:paramtypes', controller.prototype as object, method) as unknown[];
    for (const type of taken ?? []) add(type);
  }
  return found;
}

/** Not a text or a number, nor a class that is only declared later, for which stands a function without a prototype. */
const isRequest = (of: unknown): of is Type =>
  typeof of === 'function' && of.prototype !== undefined && rulesOf(of as Type).length > 0;
