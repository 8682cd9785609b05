/** New form of an agency's identity code (mã định danh), QĐ 20/2020/QĐ-TTg Art. 4; protocol 2. */
export const AGENCY_CODE = /^(?=.{3,35}$)[A-Z][0-9]{2}(\.[0-9A-Z]{2,})*$/;
/** Old form, QCVN 102:2016/BTTTT: met in practice as an alias of an agency; protocol 2. */
export const OLD_AGENCY_CODE = /^[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}$/;
export const SLUG = /^[a-z0-9][a-z0-9-]{0,39}$/;
export const DATA_TYPE = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/;

/** An e-mail address, as HTML defines it (WHATWG HTML, «valid e-mail address»): no blank, bracket, comma or line break can be in it. */
export const EMAIL_ADDRESS = /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-zA-Z0-9-]{1,63}(\.[a-zA-Z0-9-]{1,63})*$/;

export function isAgencyCode(text: string): boolean {
  return AGENCY_CODE.test(text) || OLD_AGENCY_CODE.test(text);
}

/** A system id is `<agency code>/<slug>`; the code may be of either form. */
export function isSystemId(text: string): boolean {
  const [code, slug, ...rest] = text.split('/');
  return rest.length === 0 && slug !== undefined && isAgencyCode(code) && SLUG.test(slug);
}

/** A recipient is an agency code or a system id. */
export function isAddress(text: string): boolean {
  return isAgencyCode(text) || isSystemId(text);
}
