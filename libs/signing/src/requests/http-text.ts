import type { ReceivedRequest } from './read-signature';
import { withoutBlanks } from './signature-base';
import { malformed } from './signature-error';

/**
 * The request in the text of HTTP/1.1, as a log or `curl -v` shows it, or as it was captured. Lines may end in LF alone; what follows the empty line is the
 * body, as UTF-8, no longer than `Content-Length` says (an editor adds a line end).
 * @throws SignatureError signature_malformed for what no server would read
 */
export function requestOfText(text: string): ReceivedRequest {
  const [, head, rest = ''] = /^([\s\S]*?)(?:\r?\n\r?\n([\s\S]*))?$/.exec(text.replace(/^(?:\r?\n)+/, '')) ?? [];
  const [requestLine, ...lines] = (head ?? '').replace(/\r?\n$/, '').split(/\r?\n/);
  const [, method, target] = /^(\S+) (\S+) HTTP\/1\.[01]$/.exec(requestLine) ?? [];
  if (method === undefined || target === undefined)
    throw malformed('the first line is not METHOD /path?query HTTP/1.1');
  const rawHeaders = lines.flatMap((line, index) => {
    const [, name, value] = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw malformed(`header line ${index + 1} is not "Name: value" on one line`);
    return [name, withoutBlanks(value)];
  });
  const length = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-length');
  const body = Buffer.from(rest);
  const size = length < 0 ? body.length : Number(rawHeaders[length + 1]);
  return { method, target, rawHeaders, body: body.length > 0 ? body.subarray(0, size) : null };
}
