import { LienThongError } from '@lienthong/contracts';
import * as fc from 'fast-check';
import { parseStrictJson } from './strict-json';

const parse = (text: string) => parseStrictJson(Buffer.from(text));
const refusal = (text: string | Uint8Array): string => {
  try {
    parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text);
  } catch (error) {
    if (error instanceof LienThongError && error.code === 'malformed_json') return String(error.params.why);
    throw error;
  }
  return 'taken';
};

const time = (bytes: Uint8Array, times: number) => {
  const start = performance.now();
  for (let i = 0; i < times; i++) parseStrictJson(bytes);
  return (performance.now() - start) / times;
};

/** Names that fast-check likes, and that every object has. */
const INBORN =
  /"(__\w+__|constructor|prototype|hasOwnProperty|isPrototypeOf|propertyIsEnumerable|toLocaleString|toString|valueOf)"/;

describe('parseStrictJson', () => {
  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])('refuses the name %s', (name) => {
    expect(refusal(`{"a":[{"${name}":1}]}`)).toBe(`the name ${name} is not allowed`);
  });

  it('refuses more names in an object, and more objects, than can be validated in a moment', () => {
    const names = (count: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [n, 0])));
    const objects = (count: number) => JSON.stringify(Array.from({ length: count }, () => ({})));
    expect([names(200), objects(12_000)].map(refusal)).toEqual(['taken', 'taken']);
    expect(refusal(names(201))).toBe('more than 200 names in one object');
    expect(refusal(objects(12_001))).toBe('more than 12000 objects');
  });

  it('reads what JSON.parse reads, when names are unique', () => {
    fc.assert(
      fc.property(fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!INBORN.test(text));
        expect(parse(text)).toEqual(JSON.parse(text));
        expect(parse(JSON.stringify(value, null, 2))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('finds a repeated name wherever it is and however it is spelt', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 2 }), (name, value) => {
        fc.pre(!INBORN.test(JSON.stringify(name)));
        const units = Array.from({ length: name.length }, (_, at) => name.charCodeAt(at).toString(16).padStart(4, '0'));
        const spelt = `"${units.map((unit) => `\\u${unit}`).join('')}"`;
        const text = `{"a":[{"x":${JSON.stringify(value)}, ${JSON.stringify(name)} : 1,"y":"{\\"", ${spelt}\n:2}]}`;
        fc.pre(name !== 'x' && name !== 'y' && !INBORN.test(text));
        expect(refusal(text)).toContain('occurs twice in one object');
      }),
    );
  });

  it.each([
    ['{"a":1,"a":2}', '/a'],
    ['{"parts":[{"n":[1,2]},{"x":{"n":1,"k/~":0,"k/~":1}}]}', '/parts/1/x/k~1~0'],
    ['[[],["a",{"__proto__":1}]]', '/1/1/__proto__'],
  ])('says where in %s the name is', (text, pointer) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ members: { errors: [expect.objectContaining({ pointer, code: 'ambiguous_name' })] } }),
    );
  });

  it.each([
    ['the same name in two objects', '[{"a":1},{"a":{"a":[{"a":1}]}}]'],
    ['names in texts', '{"a":"\\"a\\":1","b":"a\\\\","c":"\\\\\\"b\\":"}'],
    ['a name as a value', '{"a":"b","b":"a","c":["a","a"]}'],
    ['a byte order mark', '\uFEFF{"a":1}'],
  ])('takes %s', (_what, text) => {
    expect(refusal(text)).toBe('taken');
  });

  it.each([
    ['{"__proto__":{"admin":true}}', 'the name __proto__ is not allowed'],
    ['{"a":[{"\\u005f_proto__":1}]}', 'the name __proto__ is not allowed'],
    ['{"a":1,}', 'syntax error at position 7'],
    ['', 'syntax error'],
    ['"text"', 'not an object or array'],
    ['null', 'not an object or array'],
    [`${'['.repeat(33)}${']'.repeat(33)}`, 'nested deeper than 32'],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'not UTF-8'],
  ])('refuses %s and says why', (text, why) => {
    expect(refusal(text)).toContain(why);
  });

  it.each([
    [
      'parts',
      (n: number) => JSON.stringify({ parts: Array.from({ length: n }, (_, i) => ({ name: `part-${i}.pdf` })) }),
    ],
    ['backslashes', (n: number) => `{"a":"${'\\\\'.repeat(10 * n)}"}`],
  ])('takes time in proportion to the size, not to its square: %s', (_what, textOf) => {
    const [small, large] = [600, 10_000].map((n) => Buffer.from(textOf(n)));
    const best = (body: Buffer) => Math.min(...Array.from({ length: 7 }, () => time(body, 1)));
    const factor = large.length / small.length;
    expect(factor).toBeGreaterThan(15);
    expect(best(large) / best(small)).toBeLessThan(factor * 5);
  });
});
