// A source and four destinations of their own for every phase: no event, receipt or queue of one phase is in the way of the next.
import { randomBytes } from 'node:crypto';
import { LienThongClient } from '@lienthong/client';

export const DESTINATIONS = 4;

/** @param admin `{ baseUrl, accessKey, secretKey }` of an administrator */
export async function makeParties(admin) {
  const client = new LienThongClient({ ...admin, session: false });
  try {
    const agency = `B${String(randomBytes(1)[0] % 100).padStart(2, '0')}.${randomBytes(4).toString('hex').toUpperCase()}`;
    await client.admin.agencies.create({ code: agency, name: 'Cơ quan đo hiệu năng' });
    const systemOf = async (slug) => {
      const systemId = `${agency}/${slug}`;
      await client.admin.systems.create({ id: systemId, name: slug, receives: ['file'] });
      const { accessKey, secretKey } = await client.admin.keys.issue(systemId, { algorithms: ['hmac-sha256'] });
      return { systemId, accessKey, secretKey };
    };
    const source = await systemOf('nguon');
    const destinations = [];
    for (let number = 1; number <= DESTINATIONS; number += 1) destinations.push(await systemOf(`dich-${number}`));
    await client.admin.grants.create({ from: agency, to: agency, dataTypes: ['file'] });
    return { source, destinations };
  } finally {
    await client.close();
  }
}
