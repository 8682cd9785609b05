import { LienThongError } from '@lienthong/contracts';

/** Deeper than any body of ours; code that walks a body may recurse. */
const MAX_DEPTH = 32;

/**
 * Far above any body of ours (100 confirmations of 100 parts each): transforming and validating costs up to 50 µs for each name or object, and a megabyte
 * of `{}` would hold the process for seconds.
 */
const MAX_NAMES = 200;
const MAX_OBJECTS = 12_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses a JSON object or array of which there can be only one reading: names within an object are unique (RFC 8259 section 4 leaves to each parser
 * which of two wins, so a signature check in one language and the work in another could see different values), none is one that every object has
 * (`__proto__`, `constructor`: what reads objects by their names sees those differently), the text is UTF-8, and of a size that can be worked through.
 * @throws LienThongError malformed_json
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw malformed('not UTF-8');
  }
  try {
    value = JSON.parse(text);
  } catch (error) {
    const position = /position \d+/.exec((error as Error).message);
    throw malformed(position ? `syntax error at ${position[0]}` : 'syntax error');
  }
  if (typeof value !== 'object' || value === null) throw malformed('not an object or array');
  refuseAmbiguity(text);
  return value;
}

/** An object or array that is open, and the name or index that is read in it. */
interface Level {
  names?: Set<string>;
  at: string | number;
}

/** `text` is known to be valid JSON: the names of an object are the strings followed by a colon. */
function refuseAmbiguity(text: string): void {
  const open: Level[] = [];
  let objects = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        open.push({ names: new Set(), at: '' });
        if (++objects > MAX_OBJECTS) throw malformed(`more than ${MAX_OBJECTS} objects`);
        break;
      case 0x5b: // [
        open.push({ at: 0 });
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        break;
      case 0x2c: {
        // ,
        const level = open.at(-1);
        if (typeof level?.at === 'number') level.at++;
        break;
      }
      case 0x22: {
        const start = at;
        at = endOfString(text, start);
        const level = open.at(-1);
        if (level?.names && isName(text, at)) addName(open, level.names, text.slice(start, at + 1));
      }
    }
    if (open.length > MAX_DEPTH) throw malformed(`nested deeper than ${MAX_DEPTH}`);
  }
}

/** @returns the position of the closing quote: the first one behind an even number of backslashes */
function endOfString(text: string, start: number): number {
  let end = start;
  let backslashes: number;
  do {
    end = text.indexOf('"', end + 1);
    backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
  } while (backslashes % 2 === 1);
  return end;
}

function isName(text: string, end: number): boolean {
  let at = end + 1;
  while (text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at) === 0x3a;
}

function addName(open: Level[], names: Set<string>, quoted: string): void {
  const name = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  open.at(-1)!.at = name;
  if (name in Object.prototype || name === 'prototype') throw malformed(`the name ${name} is not allowed`, open);
  if (names.has(name))
    throw malformed(`the name ${JSON.stringify(name.slice(0, 100))} occurs twice in one object`, open);
  names.add(name);
  if (names.size > MAX_NAMES) throw malformed(`more than ${MAX_NAMES} names in one object`);
}

/** `open`: where in the text, when that can be said. */
function malformed(why: string, open?: readonly Level[]): LienThongError {
  if (!open) return new LienThongError('malformed_json', { why });
  const pointer = open
    .map(({ at }) => `/${String(at).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
  const message = { vi: `Tên này không được dùng hoặc có hai lần: ${pointer}`, en: why };
  return new LienThongError('malformed_json', { why }, { errors: [{ pointer, code: 'ambiguous_name', message }] });
}
