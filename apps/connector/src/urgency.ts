import type { UrgencyOf } from '@lienthong/runtime';

/** What a destination polls, which is how packets reach one that holds no stream open; and the content, where the platform itself serves it. */
const ARRIVING = /^\/(v1\/(events|deliveries)|storage)(\/|$)/;

/** A poll that waits for an event. */
const LONG_POLL = /^\/v1\/events\/?\?(.*&)?waitSeconds=[1-9]/;

/** Asking what has arrived: answered always, but who asks without a pause stands back. */
const POLL = /^\/v1\/(events|deliveries)\/?$/;

/** Only asking for a space is new work: whoever was given one may fill it and complete. */
export const urgencyOf: UrgencyOf = ({ method, path, url }) => {
  if (method === 'POST' && /^\/v1\/packets\/?$/.test(path)) return 'new';
  if (method === 'GET' && LONG_POLL.test(url)) return 'waiting';
  if (method === 'GET' && POLL.test(path)) return 'polling';
  return method === 'GET' && !ARRIVING.test(path) ? 'reading' : 'rest';
};
