import type { UrgencyOf } from '@lienthong/runtime';

/** What a destination polls, which is how packets reach one that holds no stream open; and the content, where the platform itself serves it. */
const ARRIVING = /^\/(v1\/(events|deliveries)|storage)(\/|$)/;

/** Only asking for a space is new work: whoever was given one may fill it and complete. */
export const urgencyOf: UrgencyOf = ({ method, path }) => {
  if (method === 'POST' && /^\/v1\/packets\/?$/.test(path)) return 'new';
  return method === 'GET' && !ARRIVING.test(path) ? 'reading' : 'rest';
};
