import { createHash } from 'node:crypto';
import { type DeclaredPart, LIMITS, LienThongError, type Part, type TransferProtocol } from '@lienthong/contracts';
import { invalid } from '../policy';

export interface CheckedPart extends Part {
  content?: Buffer;
}

/**
 * The parts as they will be stored: names unique, size and digest known. Inline content is decoded, measured and compared with what was declared.
 * @throws validation_failed, limit_exceeded, content_mismatch
 */
export function checkParts(parts: DeclaredPart[], protocol: TransferProtocol): CheckedPart[] {
  const names = new Set<string>();
  parts.forEach(({ name }, index) => {
    if (names.has(name))
      throw invalid(
        `/parts/${index}/name`,
        'unique',
        'tên phần phải khác nhau trong gói tin',
        'part names must differ',
      );
    names.add(name);
  });
  const checked = parts.map((part, index) => (protocol === 'inline' ? inline(part, index) : declared(part, index)));
  if (protocol !== 'inline') return checked;
  const bytes = checked.reduce((sum, part) => sum + part.size, 0);
  if (bytes > LIMITS.inlineContentBytes) {
    const sizes = { limit: LIMITS.inlineContentBytes, actual: bytes };
    throw new LienThongError('limit_exceeded', { what: 'inline content', ...sizes }, sizes);
  }
  return checked;
}

function declared({ content, ...part }: DeclaredPart, index: number): CheckedPart {
  if (content != null)
    throw invalid(
      `/parts/${index}/content`,
      'only_inline',
      'chỉ dùng với protocol inline',
      'only with protocol inline',
    );
  const { name, mediaType, size, sha256 } = part;
  if (size == null)
    throw invalid(
      `/parts/${index}/size`,
      'required',
      'phải khai báo kích thước (byte)',
      'the size in bytes is required',
    );
  if (sha256 == null)
    throw invalid(
      `/parts/${index}/sha256`,
      'required',
      'phải khai báo SHA-256 (base64 chuẩn)',
      'the SHA-256 (standard base64) is required',
    );
  return { name, mediaType, size, sha256 };
}

function inline({ name, mediaType, content, ...part }: DeclaredPart, index: number): CheckedPart {
  if (content == null)
    throw invalid(
      `/parts/${index}/content`,
      'required',
      'protocol inline cần nội dung base64',
      'protocol inline needs the content in base64',
    );
  const bytes = Buffer.from(content, 'base64');
  const sha256 = createHash('sha256').update(bytes).digest('base64');
  const mismatch = (what: string, declaredValue: string | number, actual: string | number) =>
    new LienThongError('content_mismatch', { part: name, what, declared: declaredValue, actual });
  if (part.size != null && part.size !== bytes.length) throw mismatch('size', part.size, bytes.length);
  if (part.sha256 != null && part.sha256 !== sha256) throw mismatch('sha256', part.sha256, sha256);
  return { name, mediaType, size: bytes.length, sha256, content: bytes };
}
