import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { checkAnswer, type SeenAnswer } from './openapi-answers';

/** Operations that were answered with success, by their ids. */
export const answered = new Set<string>();
const problems = new Set<string>();

const isApi = (target: string): boolean => /^\/(v1\/|\.well-known\/|healthz|readyz|metrics)/.test(target);

function see(answer: SeenAnswer): void {
  if (!isApi(answer.target)) return;
  const { operationId, problems: found } = checkAnswer(answer);
  for (const problem of found) problems.add(problem);
  if (operationId && answer.status < 300) answered.add(operationId);
}

/** `fetch` of Node: what tests ask themselves. */
const plainFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const response = await plainFetch(input, init);
  const { pathname, search } = new URL(input instanceof Request ? input.url : input);
  if (isApi(pathname))
    see({
      method: init?.method ?? (input instanceof Request ? input.method : 'GET'),
      target: pathname + search,
      status: response.status,
      contentType: response.headers.get('content-type'),
      body: await response.clone().text(),
    });
  return response;
};

/** Undici of the client library tells everything that it does on Node's diagnostics channels. */
interface Exchange {
  request: { method: string; path: string };
  response?: { statusCode: number; headers: Buffer[] };
  chunk?: Buffer;
}
interface Underway {
  status: number;
  contentType: string | null;
  chunks: Buffer[];
}
const underway = new WeakMap<Exchange['request'], Underway>();

const on: Record<string, (message: Exchange) => void> = {
  'undici:request:headers': ({ request, response }) => {
    if (!response || !isApi(request.path)) return;
    const { statusCode, headers } = response;
    const at = headers.findIndex((name, i) => i % 2 === 0 && name.toString().toLowerCase() === 'content-type');
    underway.set(request, { status: statusCode, contentType: headers[at + 1]?.toString() ?? null, chunks: [] });
  },
  'undici:request:bodyChunkReceived': ({ request, chunk }) => {
    if (chunk) underway.get(request)?.chunks.push(Buffer.from(chunk));
  },
  'undici:request:trailers': ({ request }) => {
    const answer = underway.get(request);
    // The undici inside Node may keep its chunks to itself: what `fetch` got was looked at above.
    if (!answer || (answer.chunks.length === 0 && answer.status !== 204)) return;
    const { status, contentType, chunks } = answer;
    see({ method: request.method, target: request.path, status, contentType, body: Buffer.concat(chunks).toString() });
  },
};
const listeners = Object.entries(on).map(([name, listener]) => [name, listener as (message: unknown) => void] as const);

for (const [name, listener] of listeners) subscribe(name, listener);

afterAll(() => {
  for (const [name, listener] of listeners) unsubscribe(name, listener);
  globalThis.fetch = plainFetch;
  expect([...problems]).toEqual([]);
});
