import { randomUUID } from 'node:crypto';
import { inlineRequest, sendInline } from '../support/exchange';
import { type Party, type Platform, startPlatform } from '../support/platform';

jest.setTimeout(120_000);

/** Requests that are under way at any moment: as many connections. */
const AT_ONCE = 48;
const LASTS_MS = 10_000;

describe('One idempotency key', () => {
  let platform: Platform;
  let source: Party;
  let other: Party;
  let destination: Party;

  beforeAll(async () => {
    platform = await startPlatform();
    [source, other, destination] = [await platform.makeParty(), await platform.makeParty(), await platform.makeParty()];
  });
  afterAll(() => platform?.stop());

  it('repeated without a pause by many connections for ten seconds makes one packet, and others are served meanwhile', async () => {
    const body = inlineRequest(destination);
    const headers = { 'idempotency-key': randomUUID() };
    const counts: Record<string, number> = {};
    const made = new Set<string>();
    let withoutPause = 0;
    const until = performance.now() + LASTS_MS;
    const repeat = async () => {
      while (performance.now() < until) {
        const answer = await platform.fetch<{ code?: string; packetId?: string }>('/v1/packets', {
          method: 'POST',
          body,
          headers,
          key: source.key,
        });
        const what = `${answer.status} ${answer.json.code ?? ''}`.trim();
        counts[what] = (counts[what] ?? 0) + 1;
        if (answer.status === 201) made.add(answer.json.packetId!);
        else if (answer.status !== 409 && !answer.headers.has('retry-after')) withoutPause += 1;
      }
    };
    const served: number[] = [];
    const serve = async () => {
      while (performance.now() < until) {
        const began = performance.now();
        await sendInline(other, destination);
        served.push(performance.now() - began);
      }
    };
    const began = performance.now();
    await Promise.all([serve(), ...Array.from({ length: AT_ONCE }, repeat)]);
    const seconds = (performance.now() - began) / 1000;
    const asked = Object.values(counts).reduce((sum, count) => sum + count, 0);
    process.stdout.write(
      `one key: ${asked} requests in ${seconds.toFixed(1)} s, ${Math.round(asked / seconds)}/s over ${AT_ONCE} connections: ${JSON.stringify(counts)}; ` +
        `meanwhile another source had ${served.length} packets taken, the slowest in ${Math.round(Math.max(...served))} ms\n`,
    );
    // Who is refused for their number may come again.
    const allowed = ['201', '409 idempotency_in_progress', '429 rate_limited', '503 overloaded', '503 unavailable'];
    expect(Object.keys(counts).filter((what) => !allowed.includes(what))).toEqual([]);
    expect(withoutPause).toBe(0);
    expect(counts['201']).toBeGreaterThan(0);
    expect(made.size).toBe(1);
    expect((await source.client.packets.page({ limit: 500 })).items).toHaveLength(1);
    expect(served.length).toBeGreaterThan(0);
  });
});
