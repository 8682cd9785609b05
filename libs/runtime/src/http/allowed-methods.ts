import type { Request } from 'express';

interface Layer {
  route?: { methods: Record<string, boolean> };
  /** Of a router that stands in the router, as health and metrics do: at the root. */
  handle?: { stack?: Layer[] };
  match(path: string): boolean;
}

/** @returns the methods that the request's path does take, for `405` and its `Allow` field (RFC 9110 section 15.5.6); none when nothing lives there */
export function allowedMethods(req: Request): string[] {
  const stack = (req.app as unknown as { router?: { stack: Layer[] } }).router?.stack ?? [];
  const layers = stack.flatMap((layer) => layer.handle?.stack ?? [layer]).filter(({ route }) => route);
  const methods = layers
    .filter((layer) => matches(layer, req.path))
    .flatMap(({ route }) => Object.keys(route!.methods));
  return [...new Set(methods.filter((method) => method !== '_all').map((method) => method.toUpperCase()))].toSorted();
}

function matches(layer: Layer, path: string): boolean {
  try {
    return layer.match(path);
  } catch {
    return false; // a path parameter that cannot be decoded
  }
}
