import { LIMITS } from '@lienthong/contracts';

/** What a field must not be: the value, and where the error is reported if not at the field itself (a list, for its items). */
export type Bad = unknown[];

export interface Route {
  /** As in the OpenAPI document. */
  path: string;
  /** Default: POST. */
  method?: 'PUT';
  /** The path with real ids, and a body that would do. */
  valid: { target: string; body: Record<string, unknown> };
  by: 'source' | 'destination' | 'admin';
  /** Every field by its pointer into the valid body (`0` for the first of a list), with values that break a rule of it. */
  fields: Record<string, Bad>;
}

const long = (characters: number): string => 'x'.repeat(characters + 1);
const TEXT = [5, true, {}, [], ['x']];
const FLAG = ['true', 1, 0, {}];
const LIST = ['x', 5, {}];
const DIGEST = [...TEXT, '', 'x', 'x'.repeat(64), `${'A'.repeat(42)}==`];
const ID = [...TEXT, '', 'x', '0198f1c2-7d3e-7a10-8b8e'];
const CODE = [...TEXT, '', 'h01', 'H1', 'H01..14', `H01.${long(40)}`, 'H01/14', 'H01.14\n'];
/** Also what is a date of ISO 8601 but no time of RFC 3339. */
const TIME = [
  ...TEXT,
  '',
  'ngày mai',
  '2026-11-20',
  '2026-W47-5',
  '2026-325',
  '2026-02-30T00:00:00Z',
  '2026-11-20T25:00:00Z',
  '1790000000',
];
/** What PostgreSQL cannot store in a text, or a terminal should not be shown. */
const UNSPEAKABLE = ['a\u0000b', '\u0000', 'a\ud800b', 'a\u001bb'];

const EMAIL = [...TEXT, '', 'x', '@a.vn', 'a@b, c@d', 'A <a@b.vn>', 'a@b.vn\r\nBcc: c@d.vn', long(200), ...UNSPEAKABLE];

const policy = (at: string): Record<string, Bad> => ({
  [at]: ['x', 5, [], true],
  [`${at}/deliverAfter`]: TIME,
  [`${at}/deliverBy`]: [...TIME, '2020-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z'],
  [`${at}/keepAfterConfirmSeconds`]: ['5', -1, 1.5, LIMITS.keepAfterConfirmSeconds + 1, {}],
  [`${at}/warnAt`]: [...LIST, [2], [-1], ['0.5'], Array(11).fill(0.5)],
  [`${at}/convertTo`]: [...TEXT, '', 'Edxml', 'a', 'edxml.document'],
  [`${at}/allowPartial`]: FLAG,
});
const POLICY = {
  deliverAfter: new Date(Date.now() + 3_600_000).toISOString(),
  deliverBy: new Date(Date.now() + 86_400_000).toISOString(),
  keepAfterConfirmSeconds: 60,
  warnAt: [0.5],
  convertTo: 'file',
  allowPartial: false,
};

const confirmation = (at: string): Record<string, Bad> => ({
  [`${at}/outcome`]: [...TEXT, '', 'ok'],
  [`${at}/parts`]: [
    ...LIST,
    ['x'],
    [5],
    Array.from({ length: LIMITS.parts + 1 }, () => ({ name: 'a', sha256: `${'A'.repeat(43)}=` })),
  ],
  [`${at}/parts/0/name`]: [...TEXT, long(LIMITS.partNameCharacters)],
  [`${at}/parts/0/sha256`]: DIGEST,
  [`${at}/reasonCode`]: [...TEXT, '', 'Sai Nơi Nhận', long(64)],
  [`${at}/reason`]: [...TEXT, long(LIMITS.reasonCharacters), ...UNSPEAKABLE],
  [`${at}/retryable`]: FLAG,
});
const CONFIRMATION = {
  outcome: 'rejected',
  parts: [{ name: 'a.txt', sha256: `${'A'.repeat(43)}=` }],
  reasonCode: 'other',
  reason: 'Không nhận',
  retryable: false,
};

interface Ids {
  source: string;
  destination: string;
  openPacket: string;
  acceptedPacket: string;
  waitingPacket: string;
  delivery: string;
  newCode(): string;
}

/** Every POST route that takes a body and needs a signature. */
export function routes({
  source,
  destination,
  openPacket,
  acceptedPacket,
  waitingPacket,
  delivery,
  newCode,
}: Ids): Route[] {
  const agency = newCode();
  const part = { name: 'a.txt', mediaType: 'text/plain', size: 5, sha256: `${'A'.repeat(43)}=` };
  return [
    {
      path: '/v1/packets',
      by: 'source',
      valid: {
        target: '/v1/packets',
        body: {
          to: [destination],
          title: 'V/v',
          priority: 'normal',
          dataType: 'file',
          protocol: 'put',
          parts: [part],
          inReplyTo: openPacket,
          policy: POLICY,
        },
      },
      fields: {
        '/to': [...LIST, [], [5], [long(100)], Array(LIMITS.recipients + 1).fill('H01')],
        '/title': [...TEXT, '', long(LIMITS.titleCharacters), ...UNSPEAKABLE],
        '/priority': [...TEXT, '', 'khẩn'],
        '/dataType': [...TEXT, '', 'File', '.a', `a.${long(100)}`],
        '/protocol': [...TEXT, '', 'ftp'],
        '/parts': [
          ...LIST,
          [],
          ['x'],
          [5],
          Array.from({ length: LIMITS.parts + 1 }, (_, n) => ({ ...part, name: `${n}` })),
        ],
        '/parts/0/name': [...TEXT, '', long(LIMITS.partNameCharacters), ...UNSPEAKABLE],
        '/parts/0/mediaType': [...TEXT, '', 'pdf', 'text/plain\r\nx: y', long(300)],
        '/parts/0/size': ['5', -1, 1.5, LIMITS.partBytes + 1, 1e300, {}],
        '/parts/0/sha256': DIGEST,
        '/parts/0/content': [5, {}, 'không phải base64', 'aGVsbG8='],
        '/inReplyTo': ID,
        ...policy('/policy'),
      },
    },
    {
      path: '/v1/packets/{packetId}/complete',
      by: 'source',
      valid: {
        target: `/v1/packets/${openPacket}/complete`,
        body: { policy: POLICY, multipart: [{ part: 'a.txt', etags: ['x'] }] },
      },
      fields: {
        ...policy('/policy'),
        '/multipart': [
          ...LIST,
          ['x'],
          [5],
          Array.from({ length: LIMITS.parts + 1 }, () => ({ part: 'a', etags: ['x'] })),
        ],
        '/multipart/0/part': [...TEXT, long(LIMITS.partNameCharacters)],
        '/multipart/0/etags': [...LIST, [], [5], [long(200)]],
      },
    },
    {
      path: '/v1/packets/{packetId}/recall',
      by: 'source',
      valid: { target: `/v1/packets/${openPacket}/recall`, body: { reason: 'Gửi nhầm' } },
      fields: { '/reason': [...TEXT, '', long(LIMITS.reasonCharacters), ...UNSPEAKABLE] },
    },
    {
      path: '/v1/packets/{packetId}/statuses',
      by: 'destination',
      valid: {
        target: `/v1/packets/${acceptedPacket}/statuses`,
        body: { code: '01', description: 'Đã đến', at: '2026-11-20T08:30:00.000Z' },
      },
      fields: {
        '/code': [...TEXT, '', ' 01', long(32), '-1'],
        '/description': [...TEXT, long(LIMITS.reasonCharacters), ...UNSPEAKABLE],
        '/at': TIME,
      },
    },
    {
      path: '/v1/deliveries/{deliveryId}/confirm',
      by: 'destination',
      valid: { target: `/v1/deliveries/${delivery}/confirm`, body: CONFIRMATION },
      fields: confirmation(''),
    },
    {
      path: '/v1/deliveries/confirmations',
      by: 'destination',
      valid: {
        target: '/v1/deliveries/confirmations',
        body: { confirmations: [{ deliveryId: delivery, ...CONFIRMATION }] },
      },
      fields: {
        '/confirmations': [
          ...LIST,
          [],
          ['x'],
          Array.from({ length: LIMITS.confirmationsAtOnce + 1 }, () => ({ deliveryId: delivery, ...CONFIRMATION })),
        ],
        '/confirmations/0/deliveryId': ID,
        ...confirmation('/confirmations/0'),
      },
    },
    {
      path: '/v1/sessions',
      by: 'source',
      valid: { target: '/v1/sessions', body: { destination } },
      fields: { '/destination': [...TEXT, '', 'H01', 'x'] },
    },
    {
      path: '/v1/signature-checks',
      by: 'source',
      valid: { target: '/v1/signature-checks', body: { method: 'GET', target: '/' } },
      fields: {
        '/http': [...TEXT, 'a\u0000b', long(262_144)],
        '/method': [...TEXT, '', 'GET /', long(20)],
        '/target': [...TEXT, '', 'x', `/${long(8192)}`],
        '/headers': [
          ...LIST.slice(0, 2),
          ['x'],
          { a: 5 },
          { a: [5] },
          { a: Array(101).fill('x') },
          { a: long(16_384) },
        ],
        '/body': [...TEXT, 'không phải base64', 'A'],
        '/bodySha256': DIGEST,
        '/signatureBase': [...TEXT, 'a\u0000b', long(65_536)],
      },
    },
    {
      path: '/v1/webhook',
      method: 'PUT',
      by: 'destination',
      valid: { target: '/v1/webhook', body: { url: 'https://127.0.0.1/', events: ['packet.available'] } },
      fields: {
        '/url': [...TEXT, long(LIMITS.webhookUrlCharacters)],
        '/events': [...LIST, [], [5], ['packet.khongCo'], ['packet.purged', 'packet.purged']],
      },
    },
    {
      path: '/v1/packets/{packetId}/space',
      by: 'source',
      valid: { target: `/v1/packets/${openPacket}/space`, body: {} },
      fields: {},
    },
    {
      path: '/v1/packets/{packetId}/extend',
      by: 'source',
      valid: {
        target: `/v1/packets/${waitingPacket}/extend`,
        body: { deliverBy: new Date(Date.now() + 20 * 86_400_000).toISOString() },
      },
      fields: { '/deliverBy': [...TIME, '2020-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z'] },
    },
    {
      path: '/v1/packets/{packetId}/resend',
      by: 'source',
      valid: {
        target: `/v1/packets/${waitingPacket}/resend`,
        body: { to: [destination], deliverBy: new Date(Date.now() + 86_400_000).toISOString() },
      },
      fields: {
        // That nothing failed there is found first.
        '/to': [...LIST, [], [5], [long(100)], Array(LIMITS.recipients + 1).fill('H01')],
        '/deliverBy': TIME,
      },
    },
    {
      path: '/v1/deliveries/{deliveryId}/ready',
      by: 'destination',
      valid: { target: `/v1/deliveries/${delivery}/ready`, body: {} },
      fields: {},
    },
    { path: '/v1/stream-tickets', by: 'source', valid: { target: '/v1/stream-tickets', body: {} }, fields: {} },
    {
      path: '/v1/admin/agencies',
      by: 'admin',
      valid: {
        target: '/v1/admin/agencies',
        body: {
          code: agency,
          name: 'Sở',
          parentCode: source.split('/')[0],
          aliases: [newCode()],
          contact: { name: 'Nguyễn Văn A', email: 'a@example.gov.vn', phone: '0123' },
        },
      },
      fields: {
        '/code': CODE,
        '/name': [...TEXT, '', ' ', long(500), ...UNSPEAKABLE],
        '/parentCode': CODE,
        '/aliases': [...LIST, [5], ['x'], Array(21).fill('H01')],
        '/contact': ['x', 5, []],
        '/contact/name': [...TEXT, '', long(200), ...UNSPEAKABLE],
        '/contact/email': EMAIL,
        '/contact/phone': [...TEXT, '', long(50), ...UNSPEAKABLE],
      },
    },
    {
      path: '/v1/admin/systems',
      by: 'admin',
      valid: {
        target: '/v1/admin/systems',
        body: {
          id: `${source}-2`,
          name: 'Hệ thống',
          receives: ['file'],
          default: false,
          contact: { name: 'Văn thư', email: 'a@example.gov.vn', phone: '0123' },
        },
      },
      fields: {
        '/id': [...TEXT, '', 'H01', 'H01/QLVB', 'H01/-a', `H01/${long(40)}`, 'H01/a/b'],
        '/name': [...TEXT, '', long(500), ...UNSPEAKABLE],
        '/receives': [...LIST, [5], ['File'], ['file', 'file'], Array.from({ length: 201 }, (_, n) => `t${n}`)],
        '/default': FLAG,
        '/contact': ['x', 5, []],
        '/contact/name': [...TEXT, '', long(200), ...UNSPEAKABLE],
        '/contact/email': EMAIL,
        '/contact/phone': [...TEXT, '', long(50), ...UNSPEAKABLE],
      },
    },
    {
      path: '/v1/admin/systems/{code}/{slug}/keys',
      by: 'admin',
      valid: {
        target: `/v1/admin/systems/${source}/keys`,
        body: {
          algorithms: ['hmac-sha256'],
          publicKeyPem: 'x',
          bearer: false,
          expiresAt: '2099-01-01T00:00:00.000Z',
          legacyUntil: '2099-01-01T00:00:00.000Z',
        },
      },
      fields: {
        '/algorithms': [...LIST, [], ['md5'], [5], ['hmac-sha256', 'hmac-sha256']],
        '/publicKeyPem': [...TEXT, long(4096)],
        '/bearer': FLAG,
        '/expiresAt': TIME,
        '/legacyUntil': TIME,
      },
    },
    {
      path: '/v1/keys',
      by: 'source',
      valid: {
        target: '/v1/keys',
        body: { algorithms: ['rsa-pss-sha512'], publicKeyPem: 'x', expiresAt: '2099-01-01T00:00:00.000Z' },
      },
      fields: {
        '/algorithms': [...LIST, [], ['md5'], ['hmac-sha256'], [5], ['rsa-pss-sha512', 'rsa-pss-sha512']],
        '/publicKeyPem': [...TEXT, long(4096)],
        '/expiresAt': TIME,
      },
    },
    ...[
      { path: '/v1/keys/{accessKey}/rotate', by: 'source' as const, target: '/v1/keys/AKnone/rotate' },
      {
        path: '/v1/admin/systems/{code}/{slug}/keys/{accessKey}/rotate',
        by: 'admin' as const,
        target: `/v1/admin/systems/${source}/keys/AKnone/rotate`,
      },
    ].map(({ path, by, target }) => ({
      path,
      by,
      valid: { target, body: { overlapSeconds: 0, publicKeyPem: 'x', expiresAt: '2099-01-01T00:00:00.000Z' } },
      fields: {
        '/overlapSeconds': ['5', true, [], {}, -1, 0.5, 7_776_001],
        '/publicKeyPem': [...TEXT, long(4096)],
        '/expiresAt': TIME,
      },
    })),
    {
      path: '/v1/admin/dead-tasks/replays',
      by: 'admin',
      // A filter that fits nothing: what the other fields break is not done by accident.
      valid: {
        target: '/v1/admin/dead-tasks/replays',
        body: { taskIds: [openPacket], kind: 'purge-content', packetId: openPacket, until: '2020-01-01T00:00:00.000Z' },
      },
      fields: {
        '/taskIds': [...LIST, [], [5], ['x'], Array(1001).fill(openPacket)],
        '/kind': [...TEXT, '', 'x'],
        '/packetId': [...TEXT, '', 'x'],
        '/until': TIME,
      },
    },
    {
      path: '/v1/admin/platform-keys',
      by: 'admin',
      valid: { target: '/v1/admin/platform-keys', body: { immediately: true } },
      fields: { '/immediately': FLAG },
    },
    { path: '/v1/admin/rewraps', by: 'admin', valid: { target: '/v1/admin/rewraps', body: {} }, fields: {} },
    {
      path: '/v1/access-checks',
      by: 'destination',
      valid: {
        target: '/v1/access-checks',
        body: { accessToken: 'x', request: { method: 'GET', path: '/', query: '?' } },
      },
      fields: {
        '/accessToken': [...TEXT, long(100_000)],
        '/request': [5, 'x', true, []],
        '/request/method': [...TEXT, '', 'GET /', long(20)],
        '/request/path': [...TEXT, '', 'x', `/${long(8192)}`],
        '/request/query': [...TEXT, long(8192)],
        '/request/headers': [5, 'x', true, { a: 5 }],
      },
    },
    {
      path: '/v1/admin/grants',
      by: 'admin',
      valid: { target: '/v1/admin/grants', body: { from: source, to: destination, dataTypes: ['file'] } },
      fields: {
        '/from': [...TEXT, '', '**', 'h01'],
        '/to': [...TEXT, '', '**', 'h01'],
        '/dataTypes': [...LIST, [], [5], ['File'], ['file', 'file']],
      },
    },
  ];
}
