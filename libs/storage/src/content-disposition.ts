import { toUSVString } from 'node:util';

/** Controls, and marks that turn the reading direction (a name "exe.cod" shown as "doc.exe"). */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** @returns `attachment` with the file name in both forms of RFC 6266; paths, controls and direction marks are taken out of the name. */
export function contentDisposition(fileName: string): string {
  const name = toUSVString(fileName).normalize('NFC').replace(UNSAFE, '').replace(/[/\\]/g, '_').trim() || 'content';
  const ascii = name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[đĐ]/g, (letter) => (letter === 'đ' ? 'd' : 'D'))
    .replace(/[^\x20-\x7e]|["\\%]/gu, '_');
  const extended = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`;
}
