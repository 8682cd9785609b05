import { dirname, join } from 'node:path';
import * as ts from 'typescript';

export type Schema = Record<string, unknown>;

/** What the types cannot say: the form of a text, by the name of its field. */
const FORMS: [RegExp, Schema][] = [
  [/^(at|time|deliverBy|deliverAfter)$|[a-z]At$/, { format: 'date-time' }],
  [/^(packetId|deliveryId|grantId|inReplyTo)$/, { format: 'uuid' }],
  [/^sha256$/, { pattern: '^[A-Za-z0-9+/]{43}=$', description: 'SHA-256, standard base64 with padding' }],
  [/^(offset|lastOffset)$/, { pattern: '^[0-9]+$' }],
  [/^(url)$/, { format: 'uri' }],
  [/^(jws|receipt)$/, { pattern: '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$', description: 'Compact JWS' }],
];
/** Numbers of the wire are bytes, counts and seconds, save these. */
const FRACTIONS = ['warnAt'];

/**
 * The schemas (OpenAPI 3.0) of exported types of contracts, made from their declarations: one truth for compiler, document and tests.
 * @param names the types wanted; those that they name come along
 * @throws Error when contracts exports no such type
 */
export function wireSchemas(names: Iterable<string>): Record<string, Schema> {
  const entry = join(dirname(require.resolve('@lienthong/contracts/package.json')), 'src/index.ts');
  const program = ts.createProgram([entry], { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, types: [] });
  const checker = program.getTypeChecker();
  const contracts = checker.getSymbolAtLocation(program.getSourceFile(entry) as ts.SourceFile) as ts.Symbol;
  const exported = new Map(checker.getExportsOfModule(contracts).map((symbol) => [symbol.name, symbol]));
  const schemas: Record<string, Schema> = {};
  for (const name of names) named(name);
  return schemas;

  function named(name: string): Schema {
    if (!(name in schemas)) {
      const symbol = exported.get(name);
      if (!symbol) throw new Error(`contracts exports no type ${name}.`);
      schemas[name] = {};
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      schemas[name] = { ...shape(checker.getDeclaredTypeOfSymbol(target), name), ...textOf(target) };
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  function shape(type: ts.Type, field: string): Schema {
    if (type.isUnion()) return union(type.types, field);
    if (type.isStringLiteral()) return { type: 'string', enum: [type.value] };
    if (type.flags & ts.TypeFlags.StringLike) return { type: 'string', ...formOf(field) };
    if (type.flags & ts.TypeFlags.NumberLike) return { type: FRACTIONS.includes(field) ? 'number' : 'integer' };
    if (type.flags & ts.TypeFlags.BooleanLike) return { type: 'boolean' };
    if (checker.isArrayType(type))
      return { type: 'array', items: place(checker.getTypeArguments(type as ts.TypeReference)[0], field) };
    if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return {};
    const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
    if (index) return { type: 'object', additionalProperties: place(index.type, '') };
    return object(type);
  }

  function object(type: ts.Type): Schema {
    const properties = checker.getPropertiesOfType(type);
    const required = properties.filter(({ flags }) => !(flags & ts.SymbolFlags.Optional)).map(({ name }) => name);
    return {
      type: 'object',
      ...(required.length > 0 ? { required } : {}),
      additionalProperties: false,
      properties: Object.fromEntries(
        properties.map((property) => [
          property.name,
          described(place(checker.getTypeOfSymbol(property), property.name), property),
        ]),
      ),
    };
  }

  function union(types: ts.Type[], field: string): Schema {
    const nullable = types.some(({ flags }) => flags & ts.TypeFlags.Null) ? { nullable: true } : {};
    const rest = types.filter(({ flags }) => !(flags & (ts.TypeFlags.Null | ts.TypeFlags.Undefined)));
    if (rest.every((type) => type.isStringLiteral())) {
      const values = rest.map((type) => (type as ts.StringLiteralType).value);
      return { type: 'string', enum: 'nullable' in nullable ? [...values, null] : values, ...nullable };
    }
    if (rest.every(({ flags }) => flags & ts.TypeFlags.BooleanLike)) return { type: 'boolean', ...nullable };
    // In OpenAPI 3.0 nothing may stand beside a $ref.
    if (rest.length === 1 && 'nullable' in nullable) return { ...shape(rest[0], field), ...nullable };
    if (rest.length === 1) return place(rest[0], field);
    return { oneOf: rest.map((type) => place(type, field)) };
  }

  /** A type where it is used: by its name when it has one, else as it is. */
  function place(type: ts.Type, field: string): Schema {
    const name = (type.aliasSymbol ?? type.symbol)?.name;
    const own = type.aliasTypeArguments === undefined && name !== undefined && exported.has(name);
    return own && type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection) ? named(name) : shape(type, field);
  }

  function described(schema: Schema, symbol: ts.Symbol): Schema {
    const text = textOf(symbol);
    return '$ref' in schema && 'description' in text ? { allOf: [schema], ...text } : { ...schema, ...text };
  }

  function textOf(symbol: ts.Symbol): Schema {
    const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
    return text === '' ? {} : { description: text };
  }
}

const formOf = (field: string): Schema => FORMS.find(([name]) => name.test(field))?.[1] ?? {};
