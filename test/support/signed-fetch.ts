import { type SigningKey, type SigningOptions, signRequest } from '@lienthong/signing';
import type { Problem } from '@lienthong/contracts';

export interface RawRequest extends SigningOptions {
  method?: string;
  /** An object is sent as JSON; a text or bytes as they are. */
  body?: unknown;
  headers?: Record<string, string>;
  language?: 'vi' | 'en';
  /** Without it the request goes out unsigned. */
  key?: SigningKey;
}

export interface RawAnswer<T = Problem> {
  status: number;
  headers: Headers;
  text: string;
  /** The JSON of the answer; an empty object when it was none. */
  json: T;
}

/** One request exactly as told, signed by the library itself and not by the client: for what an honest client would never send. No retry. */
export async function signedFetch<T = Problem>(
  baseUrl: string,
  target: string,
  { method = 'GET', body, headers = {}, language = 'en', key, ...signing }: RawRequest = {},
): Promise<RawAnswer<T>> {
  const bytes = bytesOf(body);
  const signature = key ? signRequest({ method, target, body: bytes }, key, signing) : {};
  const type: Record<string, string> = bytes ? { 'content-type': 'application/json' } : {};
  const response = await fetch(baseUrl + target, {
    method,
    headers: { 'accept-language': language, ...type, ...signature, ...headers },
    body: bytes && new Uint8Array(bytes),
    redirect: 'manual',
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed<T>(text) };
}

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function parsed<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    return {} as T;
  }
}
