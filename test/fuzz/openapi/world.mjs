// What the fuzzed platform holds: a source, a destination, and a victim whose key and rights may be taken away; packets in every early state.
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LienThongClient } from '@lienthong/client';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('base64');
const HMAC_KEY = { algorithms: ['hmac-sha256'], publicKeyPem: null, expiresAt: null, legacyUntil: null };
const inline = (text) => ({
  name: 'phieu.txt',
  mediaType: 'text/plain',
  content: Buffer.from(text).toString('base64'),
});

/**
 * @param admin `{ baseUrl, accessKey, secretKey }` of an administrator
 * @returns the identities that sign, and values by the name of the parameter that they are good for
 */
export async function makeWorld(admin) {
  const client = new LienThongClient({ ...admin, session: false });
  const clients = [client];
  const agency = `H99.${randomBytes(4).toString('hex').toUpperCase()}`;
  await client.admin.agencies.create({ code: agency, name: 'Cơ quan thử nghiệm' });
  const systemOf = async (slug, algorithm = 'hmac-sha256') => {
    const systemId = `${agency}/${slug}`;
    await client.admin.systems.create({ id: systemId, name: slug, receives: ['file'], default: slug === 'dich' });
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' });
    const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const rsa = algorithm.startsWith('rsa-');
    const asked = { algorithms: [algorithm], ...(rsa ? { publicKeyPem } : { bearer: true }) };
    const { accessKey, secretKey } = await client.admin.keys.issue(systemId, asked);
    const key = { keyId: accessKey, alg: algorithm, ...(rsa ? { privateKeyPem } : { secretKey }) };
    clients.push(new LienThongClient({ baseUrl: admin.baseUrl, accessKey, secretKey, privateKeyPem, algorithm }));
    return { systemId, key, publicKeyPem, client: clients.at(-1) };
  };
  const source = await systemOf('nguon');
  const destination = await systemOf('dich');
  const partner = await systemOf('doi-tac', 'rsa-pss-sha512');
  const victim = await systemOf('nan-nhan');
  const grant = await client.admin.grants.create({ from: agency, to: agency, dataTypes: ['*'] });
  const spare = await client.admin.grants.create({ from: victim.systemId, to: agency, dataTypes: ['file'] });

  const request = { to: [destination.systemId], title: 'V/v thử nghiệm', dataType: 'file' };
  const send = (more) => source.client.packets.send({ ...request, ...more });
  const content = randomBytes(1000);
  const part = { name: 'cong-van.pdf', mediaType: 'application/pdf', size: content.length, sha256: sha256(content) };
  const open = await Promise.all([1, 2, 3].map(() => send({ protocol: 'put', parts: [part] })));
  const text = 'Kính gửi';
  const sent = await Promise.all([1, 2, 3, 4, 5, 6].map(() => send({ protocol: 'inline', parts: [inline(text)] })));
  const waiting = await deliveries(destination.client, sent.length);
  await destination.client.deliveries.ready(waiting[0].deliveryId);
  await destination.client.deliveries.ready(waiting[1].deliveryId);
  const parts = [{ name: 'phieu.txt', sha256: sha256(text) }];
  await destination.client.deliveries.confirm(waiting[1].deliveryId, { outcome: 'accepted', parts });
  await Promise.all(clients.map((one) => one.close()));

  const packets = [...open, ...sent].map(({ packetId }) => packetId);
  const now = Date.now();
  return {
    keys: {
      admin: { keyId: admin.accessKey, alg: 'hmac-sha256', secretKey: admin.secretKey },
      source: source.key,
      destination: destination.key,
      partner: partner.key,
    },
    systems: [source, destination, partner].map(({ systemId }) => systemId),
    agency,
    victim: { accessKey: victim.key.keyId, slug: 'nan-nhan' },
    values: {
      'path.packetId': packets,
      'query.packetId': packets,
      'path.deliveryId': waiting.map(({ deliveryId }) => deliveryId),
      'path.grantId': [spare.grantId],
      'path.accessKey': [victim.key.keyId],
      'path.code': [agency],
      'path.slug': ['nguon', 'dich', 'nan-nhan'],
      'query.agency': [agency],
      'query.from': [source.systemId, agency],
      'query.to': [destination.systemId, agency],
      'query.systemId': [source.systemId, destination.systemId],
      'query.state': ['open', 'received', 'scheduled', 'completed', 'notified', 'ready'],
      'query.since': [new Date(now - 3_600_000).toISOString()],
      'query.until': [new Date(now + 3_600_000).toISOString()],
      'query.after': ['0', '1'],
      'body.to[*]': [destination.systemId, agency],
      'body.dataType': ['file'],
      'body.confirmations[*].deliveryId': waiting.map(({ deliveryId }) => deliveryId),
    },
    // Fields that go together, in place of those made up; null takes one away.
    sane: {
      'POST /v1/packets': { ...request, protocol: 'inline', parts: [inline(text)], policy: null, inReplyTo: null },
      'POST /v1/admin/grants': { from: victim.systemId, to: agency, dataTypes: ['file'] },
      'POST /v1/admin/systems/{code}/{slug}/keys': HMAC_KEY,
      'POST /v1/admin/systems/{code}/{slug}/keys/{accessKey}/rotate': {
        overlapSeconds: 60,
        publicKeyPem: null,
        expiresAt: null,
      },
      'POST /v1/packets/{packetId}/statuses': { code: '03', at: null },
      'POST /v1/keys': { algorithms: ['rsa-pss-sha512'], publicKeyPem: partner.publicKeyPem, expiresAt: null },
    },
    // Not to be taken away by a call that the fuzzer makes up.
    grants: [grant.grantId],
  };
}

async function deliveries(client, count) {
  for (let tries = 0; tries < 300; tries++) {
    const { items } = await client.deliveries.page({ limit: 500 });
    if (items.length >= count) return items;
    await sleep(100);
  }
  throw new Error(`The destination did not find its ${count} deliveries within 30 s.`);
}
