/** What of a route is somebody's own, which decides who may be told what. */
export type Subject =
  /** In the path is a packet, delivery or key: another's is answered as one that does not exist. */
  | 'packet'
  | 'delivery'
  | 'key'
  /** In the body is what may be another's: answered as what does not exist. */
  | 'body'
  /** Nothing is named: the answer is the caller's own, and nobody else's. */
  | 'caller'
  /** Everybody's who signs. */
  | 'directory'
  /** Administrators only; everybody else gets the same 403, whether what the path names exists or not. */
  | 'administrator'
  /** Signed; it begins something new, or concerns the caller alone. */
  | 'signed'
  /** A WebSocket; no answer of HTTP but a refusal. */
  | 'upgrade'
  | 'public'
  /** Public, on a port that only the operator reaches where one is set; the stack sets one. */
  | 'internal';

/** Something of the owner's, or its like that does not exist. */
export interface Ids {
  packetId: string;
  deliveryId: string;
  accessKey: string;
  grantId: string;
  code: string;
  slug: string;
  dataType: string;
  accessToken: string;
}

export interface Rights {
  of: Subject;
  body?: object | ((ids: Ids) => object);
  query?: (ids: Ids) => string;
  /** Of `caller`: what of its own the owner sees in the answer. */
  shows?: keyof Ids;
  /** Of `administrator`: what is answered where the path names nothing that there is. Default 404. */
  absent?: number;
}

const SHA256 = 'ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=';
const CONFIRMATION = { outcome: 'accepted', parts: [{ name: 'a.txt', sha256: SHA256 }] };

/** Routes below /v1/admin are administrators'; a row is for what they need to be asked. */
export const rightsOf = ({ name, path }: { name: string; path: string }): Rights | undefined =>
  RIGHTS[name] ?? (path.startsWith('/v1/admin/') ? { of: 'administrator' } : undefined);

/** A row for every route of docs/openapi.json; one without a row fails the test, unless it is below /v1/admin. */
export const RIGHTS: Record<string, Rights> = {
  'POST /v1/sessions': { of: 'signed' },
  'DELETE /v1/sessions/current': { of: 'signed' },
  'POST /v1/access-checks': {
    of: 'body',
    body: ({ accessToken }) => ({ accessToken, request: { method: 'GET', path: '/', query: '?', headers: {} } }),
  },
  'POST /oauth2/token': { of: 'public' },
  'GET /.well-known/oauth-authorization-server': { of: 'public' },
  'GET /.well-known/jwks.json': { of: 'public' },
  'POST /v1/signature-checks': { of: 'public' },
  'GET /v1/limits': { of: 'public' },
  'GET /healthz': { of: 'public' },
  'GET /readyz': { of: 'internal' },
  'GET /metrics': { of: 'internal' },
  'GET /v1/keys': { of: 'caller', shows: 'accessKey' },
  'POST /v1/keys': { of: 'signed' },
  'POST /v1/keys/{accessKey}/rotate': { of: 'key', body: {} },
  'DELETE /v1/keys/{accessKey}': { of: 'key' },
  'GET /v1/calendar': { of: 'caller', shows: 'code' },
  'PUT /v1/calendar': { of: 'signed', body: {} },
  'GET /v1/directory': { of: 'directory', query: ({ code }) => `?q=${code}` },
  'GET /v1/directory/{code}': { of: 'directory' },
  'GET /v1/directory/{code}/{slug}': { of: 'directory' },
  'POST /v1/packets': { of: 'signed' },
  'GET /v1/packets': { of: 'caller', shows: 'packetId' },
  'GET /v1/packets/stuck': { of: 'caller', shows: 'packetId' },
  'GET /v1/packets/{packetId}': { of: 'packet' },
  'GET /v1/packets/{packetId}/receipts': { of: 'packet' },
  'POST /v1/packets/{packetId}/space': { of: 'packet' },
  'POST /v1/packets/{packetId}/complete': { of: 'packet', body: {} },
  'POST /v1/packets/{packetId}/statuses': { of: 'packet', body: { code: '01' } },
  'POST /v1/packets/{packetId}/recall': { of: 'packet', body: { reason: 'x' } },
  'POST /v1/packets/{packetId}/extend': { of: 'packet', body: { deliverBy: '2099-01-01T00:00:00.000Z' } },
  'POST /v1/packets/{packetId}/resend': { of: 'packet', body: {} },
  'GET /v1/deliveries': { of: 'caller', shows: 'deliveryId' },
  'POST /v1/deliveries/confirmations': {
    of: 'body',
    body: ({ deliveryId }) => ({ confirmations: [{ deliveryId, ...CONFIRMATION }] }),
  },
  'POST /v1/deliveries/{deliveryId}/ready': { of: 'delivery' },
  'POST /v1/deliveries/{deliveryId}/confirm': { of: 'delivery', body: CONFIRMATION },
  'GET /v1/events': { of: 'caller', shows: 'packetId' },
  'POST /v1/stream-tickets': { of: 'signed' },
  'PUT /v1/webhook': { of: 'signed' },
  'GET /v1/webhook': { of: 'caller' },
  'DELETE /v1/webhook': { of: 'caller' },
  'GET /v1/stream': { of: 'upgrade' },
  'PATCH /v1/admin/agencies/{code}': { of: 'administrator', body: { name: 'x' } },
  'PATCH /v1/admin/systems/{code}/{slug}': { of: 'administrator', body: { name: 'x' } },
  // Rules are set for a name, whether a system receives such data yet or not.
  'GET /v1/admin/data-types/{code}/policy': { of: 'administrator', absent: 200 },
  'PUT /v1/admin/data-types/{code}/policy': { of: 'administrator', body: {}, absent: 200 },
  'PUT /v1/admin/systems/{code}/{slug}/policy': { of: 'administrator', body: {} },
  'PUT /v1/admin/systems/{code}/{slug}/calendar': { of: 'administrator', body: {} },
  'POST /v1/admin/systems/{code}/{slug}/keys': { of: 'administrator', body: { algorithms: ['hmac-sha256'] } },
  'POST /v1/admin/systems/{code}/{slug}/keys/{accessKey}/rotate': { of: 'administrator', body: {} },
  // Others work with the stack's key, and with its dead tasks.
  'POST /v1/admin/platform-keys': { of: 'administrator', body: { immediately: 'no' } },
  'POST /v1/admin/dead-tasks/replays': {
    of: 'administrator',
    body: { taskIds: ['0197a1b2-7c33-7d00-8000-0123456789ab'] },
  },
};
