import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = join(__dirname, '../../docs/test-vectors');

/** What a generator writes now, and what is committed. */
function both(name: string): [string, string] {
  const out = mkdtempSync(join(tmpdir(), 'lienthong-vectors-'));
  try {
    // Node 20 may hang at the very end of a process (seen once): ended, it is a failure that is tried again.
    const bounds = { timeout: 60_000, killSignal: 'SIGKILL' } as const;
    execFileSync(process.execPath, [join(folder, `generate-${name}.mjs`), join(out, name)], {
      stdio: 'pipe',
      ...bounds,
    });
    return [readFileSync(join(out, name), 'utf8'), readFileSync(join(folder, `${name}.json`), 'utf8')];
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

interface Case {
  name: string;
  request: { headers: [string, string][] };
}

/** RSA-PSS is salted: the signature differs from run to run, and the nonce where it was chosen for its signature. */
function withoutSalt(text: string): unknown {
  const { cases, ...rest } = JSON.parse(text) as { cases: Case[] };
  return {
    ...rest,
    cases: cases.map((vector) => {
      if (!/^rsa-pss-sha512:|by PSS$/.test(vector.name)) return vector;
      const headers = vector.request.headers.map(([name, value]) => [name, /^signature$/i.test(name) ? '' : value]);
      const request = { ...vector.request, headers };
      return JSON.stringify({ ...vector, request }).replace(/n-[0-9a-f]{22}/g, 'nonce');
    }),
  };
}

interface Bundle {
  receipts: { jws: string }[];
}

/** Every run has keys of its own: compared is what was signed, without the hashes that depend on signatures. */
function withoutKeys(text: string): unknown {
  const { about, cases } = JSON.parse(text) as { about: unknown; cases: { bundle: Bundle }[] };
  const decode = (segment: string): string =>
    Buffer.from(segment, 'base64url')
      .toString()
      .replace(/"prev":"[^"]*"/, '"prev":"hash"')
      .replace(/"signature":"[^"]*"/, '"signature":"salted"')
      .replace(/"n":"[^"]*"/, '"n":"modulus"');
  return {
    about,
    cases: cases.map(({ bundle, ...vector }) => ({
      ...vector,
      bundle: {
        ...bundle,
        receipts: bundle.receipts.map(({ jws, ...receipt }) => ({
          ...receipt,
          signed: jws.split('.').slice(0, 2).map(decode),
        })),
      },
    })),
  };
}

describe('docs/test-vectors', () => {
  it('holds the signatures that its script makes', () => {
    const [made, committed] = both('signatures');
    expect(withoutSalt(committed)).toEqual(withoutSalt(made));
  });

  it('holds the receipts that its script makes', () => {
    const [made, committed] = both('receipts');
    expect(withoutKeys(committed)).toEqual(withoutKeys(made));
  });
});
