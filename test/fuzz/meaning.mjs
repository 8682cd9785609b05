import { parseSignature } from './world.mjs';

/**
 * All that the signature of an original speaks of, and nothing else: method, target and body as bytes; and every value of every header that is covered or carries
 * the signature, without outer spaces (RFC 9421 2.1), a host in any letter case,
 * an empty query as none (RFC 9421 2.2.7: both are `?`). What is not here (other headers, their order, the case of names) was never signed.
 * Two requests with the same meaning are the same request: such a mutant must be taken, and every other must be refused. Both are asserted, so that this function
 * cannot hide a mutant that was wrongly taken: it is independent of the code that verifies, and calling too much "the same" would show as a refusal.
 */
export function meaningOf(original) {
  const { covered } = parseSignature(original);
  const names = new Set(['signature', 'signature-input', ...covered.filter((name) => !name.startsWith('@'))]);
  const authority = covered.includes('@authority');
  if (authority) names.add('host');
  const sorted = [...names].toSorted();
  return ({ method, target, rawHeaders, body }) => {
    const values = sorted.map((wanted) =>
      rawHeaders
        .filter((_value, at) => at % 2 === 1 && rawHeaders[at - 1].toLowerCase() === wanted)
        .map((value) => value.replace(/^[ \t]+|[ \t]+$/g, ''))
        .map((value) => (wanted === 'host' ? value.toLowerCase() : value)),
    );
    return JSON.stringify([
      method,
      target.replace(/^([^?]*)\?$/, '$1'),
      body?.length ? body.toString('base64') : '',
      values,
    ]);
  };
}
