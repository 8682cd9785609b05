import { EMAIL_ADDRESS } from '@lienthong/contracts';

const ADDRESS = `coalesce(s.contact ->> 'email', a.contact ->> 'email')`;

/** Of a delivery `d`, its system `s` and its agency `a`: the address of the contact person; null where there is none that mail can go to. */
export const ADDRESS_SQL = `CASE WHEN ${ADDRESS} ~ '${EMAIL_ADDRESS.source.replaceAll("'", "''")}' THEN ${ADDRESS} END`;

/** What stands for that person outside the registry: one for all agencies that name the same address, in whatever case. */
export const CONTACT_SQL = `encode(sha256(convert_to(lower(${ADDRESS_SQL}), 'UTF8')), 'hex')`;

export const CONTACT_OF = 'JOIN systems s ON s.id = d.system_id JOIN agencies a ON a.code = s.agency_code';
