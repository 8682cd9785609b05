// Writes audit.json. It shares no code with libs/signing. Every run makes new keys, which exist nowhere else.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const sha256 = (...chunks) => createHash('sha256').update(Buffer.concat(chunks)).digest();
const text = (hash) => hash.toString('base64url');
const clone = (value) => JSON.parse(JSON.stringify(value));

/** RFC 8785 for what stands here: no numbers but integers. */
const canonical = (value) =>
  value === null || typeof value !== 'object'
    ? JSON.stringify(value)
    : Array.isArray(value)
      ? `[${value.map(canonical).join(',')}]`
      : `{${Object.keys(value)
          .toSorted()
          .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)
          .join(',')}}`;

/** RFC 9162, 2.1.1 to 2.1.4, word for word. */
const half = (n) => 2 ** Math.floor(Math.log2(n - 1));
const node = (left, right) => sha256(Buffer.from([1]), left, right);
function root(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0];
  const k = half(leaves.length);
  return node(root(leaves.slice(0, k)), root(leaves.slice(k)));
}
function path(m, leaves) {
  if (leaves.length === 1) return [];
  const k = half(leaves.length);
  return m < k
    ? [...path(m, leaves.slice(0, k)), root(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), root(leaves.slice(0, k))];
}
function subproof(m, leaves, whole) {
  if (m === leaves.length) return whole ? [] : [root(leaves)];
  const k = half(leaves.length);
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), whole), root(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), root(leaves.slice(0, k))];
}
/** Roots of the full subtrees of the first n leaves, largest first. */
function frontier(leaves) {
  if (leaves.length === 0) return [];
  const k = 2 ** Math.floor(Math.log2(leaves.length));
  return [root(leaves.slice(0, k)), ...frontier(leaves.slice(k))];
}

const keys = ['TEST-AUDIT-1', 'TEST-AUDIT-2'].map((kid) => ({ kid, ...generateKeyPairSync('ed25519') }));
const stranger = { kid: 'TEST-AUDIT-1', ...generateKeyPairSync('ed25519') };
const jwks = {
  keys: keys.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' })),
};
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function jws(typ, claims, { kid, privateKey }) {
  const input = `${encode({ alg: 'EdDSA', kid, typ })}.${encode(claims)}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
}

const origin = 'https://lienthong.example';
const packetId = '0197a1b2-7c33-7d00-8000-0123456789ab';
const deliveryId = '0197a1b2-7c33-7d00-8000-0123456789ac';
const ACTIONS = [
  ['agency.created', { subject: 'H01.14', detail: { name: 'Sở Thông tin – «thử» €\u2028' } }],
  [
    'key.issued',
    { subject: 'AK0123456789ABCDEF01234567', detail: { algorithms: ['hmac-sha256'], systemId: 'H01.14/qlvb' } },
  ],
  ['session.opened', { systemId: 'H01.14/qlvb', subject: '0197a1b2-7c33-7d00-8000-0123456789ff' }],
  ['packet.open', { systemId: 'H01.14/qlvb', packetId, detail: { recipients: 1 } }],
  ['packet.received', { systemId: 'H01.14/qlvb', packetId }],
  ['packet.scheduled', { packetId, detail: { deliveries: 1 } }],
  [
    'delivery.ready',
    { systemId: 'H01.20/motcua', packetId, deliveryId, detail: { attempt: 1, z: [], a: { b: null } } },
  ],
  ['delivery.accepted', { systemId: 'H01.20/motcua', packetId, deliveryId }],
  ['packet.completed', { packetId }],
  ['access.refused', { systemId: 'H01.31/x', subject: 'GET /v1/packets/{packetId}', detail: { code: 'not_found' } }],
  ['packet.purged', { packetId, detail: { removed: 2 } }],
];
const entries = ACTIONS.map(([action, members], index) => ({
  id: `0197a1b2-7c33-7d00-8000-0000000000${String(index).padStart(2, '0')}`,
  at: `2026-11-01T07:00:${String(index).padStart(2, '0')}.000${String(index).padStart(3, '0')}Z`,
  actor: members.systemId ? 'AK0123456789ABCDEF01234567' : 'platform:scheduler',
  systemId: null,
  packetId: null,
  deliveryId: null,
  subject: null,
  detail: null,
  ...members,
  action,
}));
const bytes = (entry) => canonical({ v: 1, ...entry });
const leaves = entries.map((entry) => sha256(Buffer.from([0]), Buffer.from(bytes(entry))));

const checkpoint = (size, previous, key = keys[0], all = leaves) =>
  jws(
    'lienthong-audit-checkpoint+jwt',
    {
      origin,
      size,
      root: text(root(all.slice(0, size))),
      previousRoot: previous === null ? null : text(root(all.slice(0, previous))),
      at: `2026-11-01T08:00:${String(size).padStart(2, '0')}.000Z`,
    },
    key,
  );
const tombstone = (from, to) =>
  jws(
    'lienthong-audit-tombstone+jwt',
    {
      origin,
      ranges: [[from, to]],
      count: to - from,
      root: text(root(leaves.slice(from, to))),
      retentionDays: 730,
      at: '2028-12-01T00:00:00.000Z',
    },
    keys[0],
  );

const SEALED = [3, 4, 8, 11];
/** The bundle of a range, as the platform gives it; after 4 the platform signs with its second key. */
function bundle(from = 0, to = 11) {
  const lines = [{ type: 'range', v: 1, origin, from, to, frontier: frontier(leaves.slice(0, from)).map(text) }];
  for (let seq = from; seq < to; seq++) {
    lines.push({ type: 'entry', seq, leaf: text(leaves[seq]), entry: entries[seq] });
    const at = SEALED.indexOf(seq + 1);
    if (at >= 0)
      lines.push({
        type: 'checkpoint',
        jws: checkpoint(seq + 1, at ? SEALED[at - 1] : null, keys[seq + 1 > 4 ? 1 : 0]),
      });
  }
  return lines;
}
const changed = (change) => {
  const lines = clone(bundle());
  return change(lines) ?? lines;
};
const entryAt = (lines, seq) => lines.find((line) => line.type === 'entry' && line.seq === seq);
const without = (lines, ...gone) => lines.filter((line) => !gone.includes(line));
const renumbered = (lines) => {
  let seq = 0;
  for (const line of lines) if (line.type === 'entry') line.seq = seq++;
  lines[0].to = seq;
  return lines;
};
const leafOnly = (lines, from, to, stone) =>
  lines.flatMap((line, index) =>
    index === 0
      ? [line, ...stone]
      : line.type === 'entry' && line.seq >= from && line.seq < to
        ? [{ type: 'leaf', seq: line.seq, leaf: line.leaf }]
        : [line],
  );
const relined = (line, entry) =>
  Object.assign(line, { entry, leaf: text(sha256(Buffer.from([0]), Buffer.from(bytes(entry)))) });

// name, lines, valid, outside checkpoints
const cases = [
  ['the whole log, across a change of the platform key', bundle(), true],
  ['the whole log and a checkpoint kept outside', bundle(), true, [checkpoint(8, 4)]],
  ['a range from within', bundle(4, 8), true],
  ['a range of nothing', bundle(4, 4), true],
  [
    'entries whose time of keeping was over',
    leafOnly(bundle(), 0, 4, [{ type: 'tombstone', jws: tombstone(0, 4) }]),
    true,
  ],
  ['an entry edited', changed((l) => void (entryAt(l, 6).entry.detail.attempt = 2)), false],
  ['an entry and its leaf edited', changed((l) => void relined(entryAt(l, 6), { ...entries[6], actor: 'x' })), false],
  ['a member that is not hashed', changed((l) => void (entryAt(l, 6).entry.note = 'x')), false],
  ['an entry taken out', changed((l) => without(l, entryAt(l, 5))), false],
  ['an entry taken out and the rest renumbered', changed((l) => renumbered(without(l, entryAt(l, 5)))), false],
  ['an entry taken out, its leaf left', leafOnly(bundle(), 5, 6, []), false],
  ['more gone than the tombstone says', leafOnly(bundle(), 0, 5, [{ type: 'tombstone', jws: tombstone(0, 4) }]), false],
  ['a tombstone of something else', leafOnly(bundle(), 0, 4, [{ type: 'tombstone', jws: tombstone(1, 5) }]), false],
  ['an entry inserted', changed((l) => renumbered(l.toSpliced(4, 0, clone(entryAt(l, 2))))), false],
  [
    'an entry that was never sealed',
    changed((l) => l.toSpliced(4, 0, { ...entryAt(l, 2), seq: null, leaf: null })),
    false,
  ],
  [
    'two entries changed places',
    changed((l) => {
      const [one, other] = [entryAt(l, 1), entryAt(l, 2)];
      [one.entry, other.entry, one.leaf, other.leaf] = [other.entry, one.entry, other.leaf, one.leaf];
    }),
    false,
  ],
  ['the tail cut off, its checkpoint too: nothing inside tells', bundle(0, 8), true],
  ['the tail cut off, a checkpoint kept outside', bundle(0, 8), false, [checkpoint(11, 8)]],
  ['the tail cut off before its checkpoint', bundle(0, 7), false],
  [
    'made anew by who has the key: nothing inside tells, a checkpoint kept outside does',
    (() => {
      const other = [...leaves.slice(0, 2), sha256(Buffer.from('other')), ...leaves.slice(3)];
      const lines = clone(bundle(0, 3));
      const entry = { ...entries[2], subject: 'another' };
      relined(entryAt(lines, 2), entry);
      other[2] = Buffer.from(entryAt(lines, 2).leaf, 'base64url');
      lines[lines.length - 1] = { type: 'checkpoint', jws: checkpoint(3, null, keys[0], other) };
      return lines;
    })(),
    false,
    [checkpoint(3, null)],
  ],
  ['a checkpoint of another signer', changed((l) => void (l.at(-1).jws = checkpoint(11, 8, stranger))), false],
  [
    'a checkpoint left out',
    changed((l) =>
      without(
        l,
        l.find(({ type }) => type === 'checkpoint'),
      ),
    ),
    false,
  ],
  [
    'a wrong frontier',
    changed(() =>
      Object.assign(clone(bundle(4, 8)), {}).map((line, i) => (i ? line : { ...line, frontier: [text(leaves[0])] })),
    ),
    false,
  ],
  ['no range', bundle().slice(1), false],
  ['nothing', [], false],
].map(([name, lines, valid, outside = []]) => ({ name, valid, outside, lines }));

const tree = {
  roots: Array.from({ length: leaves.length + 1 }, (_, size) => text(root(leaves.slice(0, size)))),
  inclusion: leaves.map((_, index) => path(index, leaves).map(text)),
  consistency: leaves.map((_, index) => subproof(index + 1, leaves, true).map(text)),
};
const written = {
  jwks,
  entries: entries.map((entry, i) => ({ entry, canonical: bytes(entry), leaf: text(leaves[i]) })),
  tree,
  cases,
};
writeFileSync(new URL('audit.json', import.meta.url), `${JSON.stringify(written, null, 1)}\n`);
