/** What of a route is somebody's own, which decides who may be told what. */
export type Subject =
  /** In the path is a packet, delivery or key: another's is answered as one that does not exist. */
  | 'packet'
  | 'delivery'
  | 'key'
  /** Administrators only; everybody else gets the same 403, whether what the path names exists or not. */
  | 'administrator'
  /** Signed; nothing in its path is anybody's own. */
  | 'signed'
  /** No answer of HTTP; its own tests are in events.test.ts. */
  | 'upgrade'
  | 'public';

/** A row for every route of docs/openapi.json; one without a row fails the test. Routes below /v1/admin need none: they are administrators'. */
export const RIGHTS: Record<string, { of: Subject; body?: object }> = {
  'POST /v1/sessions': { of: 'signed' },
  'DELETE /v1/sessions/current': { of: 'signed' },
  'POST /v1/access-checks': { of: 'signed' },
  'POST /oauth2/token': { of: 'public' },
  'GET /.well-known/oauth-authorization-server': { of: 'public' },
  'GET /.well-known/jwks.json': { of: 'public' },
  'POST /v1/signature-checks': { of: 'public' },
  'GET /v1/limits': { of: 'public' },
  'GET /healthz': { of: 'public' },
  'GET /readyz': { of: 'public' },
  'GET /metrics': { of: 'public' },
  'GET /v1/keys': { of: 'signed' },
  'POST /v1/keys': { of: 'signed' },
  'POST /v1/keys/{accessKey}/rotate': { of: 'key', body: {} },
  'DELETE /v1/keys/{accessKey}': { of: 'key' },
  'GET /v1/calendar': { of: 'signed' },
  'PUT /v1/calendar': { of: 'signed', body: {} },
  'GET /v1/directory': { of: 'signed' },
  'GET /v1/directory/{code}': { of: 'signed' },
  'GET /v1/directory/{code}/{slug}': { of: 'signed' },
  'POST /v1/packets': { of: 'signed' },
  'GET /v1/packets': { of: 'signed' },
  'GET /v1/packets/stuck': { of: 'signed' },
  'GET /v1/packets/{packetId}': { of: 'packet' },
  'GET /v1/packets/{packetId}/receipts': { of: 'packet' },
  'POST /v1/packets/{packetId}/space': { of: 'packet' },
  'POST /v1/packets/{packetId}/complete': { of: 'packet', body: {} },
  'POST /v1/packets/{packetId}/statuses': { of: 'packet', body: { code: '01' } },
  'POST /v1/packets/{packetId}/recall': { of: 'packet', body: { reason: 'x' } },
  'POST /v1/packets/{packetId}/extend': { of: 'packet', body: { deliverBy: '2099-01-01T00:00:00.000Z' } },
  'POST /v1/packets/{packetId}/resend': { of: 'packet', body: {} },
  'GET /v1/deliveries': { of: 'signed' },
  'POST /v1/deliveries/confirmations': { of: 'signed' },
  'POST /v1/deliveries/{deliveryId}/ready': { of: 'delivery' },
  'POST /v1/deliveries/{deliveryId}/confirm': {
    of: 'delivery',
    body: { outcome: 'accepted', parts: [{ name: 'a.txt', sha256: 'ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=' }] },
  },
  'GET /v1/events': { of: 'signed' },
  'POST /v1/stream-tickets': { of: 'signed' },
  'PUT /v1/webhook': { of: 'signed' },
  'GET /v1/webhook': { of: 'signed' },
  'DELETE /v1/webhook': { of: 'signed' },
  'GET /v1/stream': { of: 'upgrade' },
};
