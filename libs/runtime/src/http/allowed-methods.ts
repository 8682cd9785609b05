import type { Request } from 'express';

interface Layer {
  route?: { methods: Record<string, boolean> };
  match(path: string): boolean;
}

/** @returns the methods that the request's path does take, for `405` and its `Allow` field (RFC 9110 section 15.5.6); none when nothing lives there */
export function allowedMethods(req: Request): string[] {
  const layers = ((req.app as unknown as { router?: { stack: Layer[] } }).router?.stack ?? []).filter(
    ({ route }) => route,
  );
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
