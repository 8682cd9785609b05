/** Bytes of all parts together, and of the part that just moved. `hash` reads each file once to declare it, `upload` sends it. */
export interface TransferProgress {
  phase: 'hash' | 'upload' | 'download';
  part: string;
  partBytes: number;
  partSize: number | undefined;
  bytes: number;
  size: number | undefined;
}

/** Sums up the bytes that pass, for the progress callback. */
export function counter(
  phase: TransferProgress['phase'],
  { onProgress }: { onProgress?: (progress: TransferProgress) => void },
  sizes: Map<string, number>,
): (part: string, bytes: number) => void {
  const byPart = new Map<string, number>();
  const size = sizes.size > 0 ? [...sizes.values()].reduce((sum, part) => sum + part, 0) : undefined;
  let all = 0;
  return (part, bytes) => {
    const partBytes = (byPart.get(part) ?? 0) + bytes;
    byPart.set(part, partBytes);
    all += bytes;
    onProgress?.({ phase, part, partBytes, partSize: sizes.get(part), bytes: all, size });
  };
}
