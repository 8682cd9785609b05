import { LienThongError } from '@lienthong/contracts';
import { type ArgumentMetadata, Injectable, type Paramtype, ValidationPipe } from '@nestjs/common';
import { getMetadataStorage, type ValidationError } from 'class-validator';
import type { TwoLanguageFieldError } from '../http/problem.filter';
import { requiredText, RULE_TEXTS, ruleCode, ruleText, unusableText } from './rule-texts';

/** More tell a reader nothing new; a body of a thousand broken items must not be answered by one of ten thousand lines. */
const MAX_REPORTED = 100;

/** Rules about the type: when one is broken, the others on the same field (its length, its form) would only repeat it. */
const TYPE_RULES = new Set(['isString', 'isInt', 'isNumber', 'isBoolean', 'isArray', 'isObject', 'nestedValidation']);

/** Holds the DTO's rules against what came; only declared fields pass, nothing is converted silently. */
@Injectable()
export class StrictValidationPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      transform: true,
      transformOptions: { enableImplicitConversion: false, exposeUnsetFields: false },
      exceptionFactory: (errors) => new BrokenRules(errors),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    refuseNoObject(value, metadata);
    const unusable = unusableTexts(value, metadata);
    if (unusable.length > 0) throw validationFailed(unusable);
    try {
      return await super.transform(value, metadata);
    } catch (error) {
      throw error instanceof BrokenRules ? validationFailed(fieldErrors(error.errors, metadata.type)) : error;
    }
  }
}

/** Nest gives a list the class's name: an empty one would keep every rule of a class without required fields. No route takes a list, or `null`. */
export function refuseNoObject(value: unknown, { type }: ArgumentMetadata): void {
  if (type === 'body' && (value === null || Array.isArray(value)))
    throw validationFailed([{ pointer: '', code: ruleCode('isObject'), message: RULE_TEXTS.isObject }]);
}

class BrokenRules {
  constructor(readonly errors: ValidationError[]) {}
}

/** For rules that no decorator can express: `throw validationFailed([{ pointer: '/policy/deliverBy', code: 'too_late', message: { vi, en } }])`. */
export const validationFailed = (errors: TwoLanguageFieldError[]): LienThongError =>
  new LienThongError('validation_failed', { count: errors.length }, { errors: errors.slice(0, MAX_REPORTED) });

/** Where a field is: a JSON pointer (RFC 6901) into the body, `?name` in the query, `{name}` in the path. */
const PLACES: Record<Paramtype, (path: string[]) => string> = {
  body: (path) => path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
  query: (path) => `?${path.join('/')}`,
  param: (path) => `{${path.join('/')}}`,
  custom: (path) => path.join('/'),
};

/** PostgreSQL has no NUL in a text, and half a surrogate pair has no UTF-8: such a text cannot be kept as it came, whatever field it is in. */
const UNUSABLE = /\0|\p{Surrogate}/u;

function unusableTexts(value: unknown, { type, data }: ArgumentMetadata): TwoLanguageFieldError[] {
  if (type === 'custom') return [];
  const walk = (inner: unknown, path: string[]): TwoLanguageFieldError[] => {
    if (typeof inner === 'string')
      return UNUSABLE.test(inner) ? [{ pointer: PLACES[type](path), code: 'is_text', message: unusableText() }] : [];
    if (typeof inner !== 'object' || inner === null) return [];
    return Object.entries(inner).flatMap(([name, item]) => walk(item, [...path, name]));
  };
  return walk(value, data === undefined ? [] : [data]);
}

function fieldErrors(errors: ValidationError[], type: Paramtype): TwoLanguageFieldError[] {
  const walk = (error: ValidationError, parents: string[]): TwoLanguageFieldError[] => {
    const path = error.property === undefined ? parents : [...parents, error.property];
    return [
      ...brokenRules(error).map((rule) => ({ pointer: PLACES[type](path), ...rule })),
      ...(error.children ?? []).flatMap((child) => walk(child, path)),
    ];
  };
  return errors.flatMap((error) => walk(error, []));
}

function brokenRules(error: ValidationError): Omit<TwoLanguageFieldError, 'pointer'>[] {
  const broken = Object.entries(error.constraints ?? {});
  if (broken.length === 0) return [];
  const isUnknown = broken.some(([name]) => name === 'whitelistValidation' || name === 'unknownValue');
  if (error.value === undefined && !isUnknown) return [{ code: 'required', message: requiredText() }];
  const ofType = broken.filter(([name]) => TYPE_RULES.has(name));
  return (ofType.length > 0 ? ofType.slice(0, 1) : broken).map(([name, words]) => {
    const parameters = parametersOf(error, name);
    return {
      code: ruleCode(name),
      message: error.contexts?.[name]?.vi ? error.contexts[name] : ruleText(name, parameters, words),
      ...passedLimit(name, parameters, error.value),
    };
  });
}

const LIMITING = new Set(['min', 'max', 'minLength', 'maxLength', 'isLength', 'arrayMinSize', 'arrayMaxSize']);

/** Protocol 1: the error that reports a limit says what it is and what came. */
function passedLimit(
  rule: string,
  parameters: readonly unknown[],
  value: unknown,
): { limit?: number; actual?: number } {
  const actual = typeof value === 'string' || Array.isArray(value) ? value.length : value;
  if (!LIMITING.has(rule) || typeof actual !== 'number' || !Number.isFinite(actual)) return {};
  const [low, high] = parameters as number[];
  const limit = rule === 'isLength' && actual > low ? high : low;
  return Number.isFinite(limit) ? { limit, actual } : {};
}

/** class-validator forgets the arguments of the rule in its errors; its metadata has them. */
function parametersOf({ target, property }: ValidationError, name: string): readonly unknown[] {
  if (!target) return [];
  const rules = getMetadataStorage().getTargetValidationMetadatas(target.constructor, '', false, false);
  return rules.find((rule) => rule.propertyName === property && rule.name === name)?.constraints ?? [];
}
