import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { eventually } from '../../support/eventually';
import type { Expected } from './expected';
import { type Command, command, type World } from './world';

const always = (): boolean => true;

/** S23: the source goes on with another key; the former opens nothing any more, at any instance. */
const revoke = fc.constant(
  command('the source’s key is revoked', always, async (_expected: Expected, world: World) => {
    const { platform, source } = world;
    if (world.revocationsLeft === 0) return;
    world.revocationsLeft -= 1;
    const { keys } = platform.admin.admin;
    const issued = await keys.issue(source.systemId, { algorithms: ['hmac-sha256'] });
    const { accessKey, secretKey } = issued;
    const former = source.key;
    world.source = {
      ...source,
      issued,
      client: platform.clientOf({ accessKey, secretKey }),
      key: { keyId: accessKey, alg: 'hmac-sha256', secret: secretKey },
    };
    await keys.revoke(source.systemId, former.keyId);
    // Several in a row: behind the gateway they come to both instances.
    await eventually(
      async () => {
        for (let n = 0; n < 4; n += 1)
          expect((await platform.fetch('/v1/packets?limit=1', { key: former })).json.code).toBe('key_revoked');
        return true;
      },
      { within: 10_000 },
    );
    expect((await platform.fetch('/v1/packets?limit=1', { key: world.source.key })).status).toBe(200);
  }),
);

/** S12: the same bytes once more, whichever instance they come to. */
const replay = fc.constant(
  command('a request is replayed', always, async (_expected: Expected, { platform, source }: World) => {
    const signed = { key: source.key, nonce: randomUUID(), created: Math.floor(Date.now() / 1000) };
    const asked = () => platform.fetch('/v1/packets?limit=1', signed);
    expect((await asked()).status).toBe(200);
    for (let n = 0; n < 3; n += 1) expect((await asked()).json.code).toBe('replayed_request');
  }),
);

export const KEYS: fc.Arbitrary<Command>[] = [revoke, replay];
