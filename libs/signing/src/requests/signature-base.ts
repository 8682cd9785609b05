import { malformed } from './signature-error';

/** A request as its signature sees it: the raw target, and every value of every header under its lower-case name. */
export interface Message {
  method: string;
  target: string;
  headers: Map<string, string[]>;
}

/** The components that every signature covers, first and in this order (protocol 3). */
export function requiredComponents(hasBody: boolean): string[] {
  return ['@method', '@path', '@query', ...(hasBody ? ['content-digest'] : [])];
}

/**
 * The signature base of RFC 9421 2.5: one line a component, then the parameters; no line end after the last.
 * @throws SignatureError signature_malformed when a component has no one value.
 */
export function baseOf(message: Message, covered: string[], signatureParams: string): string {
  const lines = covered.map((name) => `"${name}": ${valueOf(message, name)}\n`);
  return `${lines.join('')}"@signature-params": ${signatureParams}`;
}

/** The look behind keeps it linear: a value of nothing but blanks is tried once, and not again from each of them. */
export const withoutBlanks = (value: string): string => value.replace(/^[ \t]+|(?<![ \t])[ \t]+$/g, '');

/** The one value of a header, outer whitespace removed (RFC 9421 2.1). @throws SignatureError signature_malformed unless there is exactly one. */
export function headerOf(message: Message, name: string): string {
  const [value, ...others] = message.headers.get(name) ?? [];
  if (value === undefined) throw malformed(`header ${name} is needed and is not in the request`);
  // Joined with a comma, as HTTP would, two headers could pass for one that was never signed.
  if (others.length > 0) throw malformed(`header ${name} occurs ${others.length + 1} times`);
  const text = withoutBlanks(value);
  // A line end would forge further lines of the base; bytes beyond ASCII have no agreed text.
  if (!/^[\t\x20-\x7e]*$/.test(text)) throw malformed(`header ${name} has characters that are not visible ASCII`);
  return text;
}

function valueOf(message: Message, name: string): string {
  if (!name.startsWith('@')) return fieldOf(message, name);
  switch (name) {
    case '@method':
      return methodOf(message.method);
    case '@path':
      return splitTarget(message.target).path;
    case '@query':
      return splitTarget(message.target).query;
    case '@authority':
      return headerOf(message, 'host').toLowerCase();
    default:
      throw malformed('of the components that begin with @ only @method, @path, @query and @authority can be covered');
  }
}

function fieldOf(message: Message, name: string): string {
  if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) throw malformed('a covered name is not a lower-case header name');
  if (name === 'signature' || name === 'signature-input') throw malformed(`${name} cannot be covered`);
  return headerOf(message, name);
}

function methodOf(method: string): string {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(method)) throw malformed('the method is not a token');
  return method;
}

/** Never normalised: what is verified are the bytes that were sent (RFC 9421 7.5). Only the form `/path?query` is taken. */
function splitTarget(target: string): { path: string; query: string } {
  if (!/^\/[\x21\x22\x24-\x7e]*$/.test(target)) {
    throw malformed('the target must be /path?query in visible ASCII, everything else percent-encoded, without #');
  }
  const mark = target.indexOf('?');
  return mark < 0 ? { path: target, query: '?' } : { path: target.slice(0, mark), query: target.slice(mark) };
}
