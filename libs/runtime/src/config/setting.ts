import { z } from 'zod';

/** One setting: what it is for, in one line; how its text is read; what happens when it is not set. */
export interface Setting<T> {
  readonly description: string;
  /** What the value must be, as the rest of a sentence: `a whole number from 1 to 65535`. */
  readonly rule: string;
  readonly reader: z.ZodType<T, string>;
  readonly default?: Exclude<T, undefined>;
  readonly optional: boolean;
  readonly secret: boolean;
}

export type Schema = Record<string, Setting<unknown>>;
export type ConfigOf<S extends Schema> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

interface Options<T> {
  /** Used when nothing is set. Without it (and without `optional`) the program refuses to start. */
  default?: T;
  /** May be left out; the value is then `undefined`. */
  optional?: boolean;
  /** Never shown in the summary at start, never written into `.env.example`. */
  secret?: boolean;
}
type Value<T, O> = O extends { optional: true } ? T | undefined : T;

function make<T, O extends Options<T>>(description: string, rule: string, reader: z.ZodType<T, string>, options?: O) {
  return {
    description,
    rule,
    reader,
    default: options?.default,
    optional: options?.optional ?? false,
    secret: options?.secret ?? false,
  } as Setting<Value<T, O>>;
}

const TRUE = ['true', '1', 'yes', 'on'];
const FALSE = ['false', '0', 'no', 'off'];

/** How a schema is declared: `{ PORT: setting.integer('Port of the API', { default: 3000, min: 0, max: 65535 }) }`. */
export const setting = {
  /** Any text. */
  text: <const O extends Options<string>>(description: string, options?: O) =>
    make<string, O>(description, 'a text', z.string(), options),

  /** A whole number; `min` and `max` are inclusive. */
  integer: <const O extends Options<number> & { min?: number; max?: number }>(description: string, options?: O) => {
    const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options ?? {};
    const range =
      options?.max !== undefined
        ? ` from ${options.min ?? 'any'} to ${max}`
        : options?.min !== undefined
          ? ` of ${min} or more`
          : '';
    const reader = z
      .string()
      .regex(/^-?\d{1,16}$/)
      .transform(Number)
      .pipe(z.number().int().min(min).max(max));
    return make<number, O>(description, `a whole number${range}`, reader, options);
  },

  /** `true` or `false` (also 1/0, yes/no, on/off). */
  flag: <const O extends Options<boolean>>(description: string, options?: O) => {
    const reader = z
      .string()
      .toLowerCase()
      .pipe(z.enum([...TRUE, ...FALSE]))
      .transform((text) => TRUE.includes(text));
    return make<boolean, O>(description, 'true or false', reader, options);
  },

  /** One of a few words. */
  choice: <const V extends string, const O extends Options<NoInfer<V>>>(
    description: string,
    values: readonly V[],
    options?: O,
  ) =>
    make<V, O>(description, `one of ${values.join(', ')}`, z.enum(values) as unknown as z.ZodType<V, string>, options),

  /** An absolute address, given back without trailing slashes. A password in it is masked wherever it is shown. */
  url: <const O extends Options<string>>(description: string, options?: O) => {
    const reader = z
      .string()
      .refine((text) => URL.canParse(text))
      .transform((text) => text.replace(/(?<!\/)\/+$/, ''));
    return make<string, O>(description, 'an absolute address such as https://example.gov.vn', reader, options);
  },

  /** Texts separated by commas; blanks around them and empty ones are dropped. */
  list: <const O extends Options<readonly string[]>>(description: string, options?: O) => {
    const reader = z.string().transform((text) =>
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    );
    return make<readonly string[], O>(description, 'a list separated by commas', reader, options);
  },
};
