import { DATA_TYPE, isAgencyCode, LienThongError, SLUG } from '@lienthong/contracts';
import type { PipeTransform } from '@nestjs/common';

export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A path that cannot name anything names nothing: 404, not 400. */
const named = (isName: (text: string) => boolean): PipeTransform<string, string> => ({
  transform: (text) => {
    if (!isName(text)) throw new LienThongError('not_found');
    return text;
  },
});

export const codePipe = named(isAgencyCode);
export const slugPipe = named((text) => SLUG.test(text));
export const dataTypePipe = named((text) => DATA_TYPE.test(text) && text.length <= 100);
export const uuidPipe = named((text) => UUID.test(text));
export const accessKeyPipe = named((text) => /^[A-Za-z0-9]{1,64}$/.test(text));
