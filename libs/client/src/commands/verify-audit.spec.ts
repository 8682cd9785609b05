import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInProcess } from '../testing/run-in-process';

interface Vectors {
  jwks: object;
  cases: { name: string; valid: boolean; outside: string[]; lines: object[] }[];
}

describe('verify, on a range of the audit log', () => {
  let folder: string;
  let vectors: Vectors;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lienthong-verify-'));
    const file = join(__dirname, '../../../../docs/test-vectors/audit.json');
    vectors = JSON.parse(await readFile(file, 'utf8')) as Vectors;
    await writeFile(join(folder, 'jwks.json'), JSON.stringify(vectors.jwks));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function verify(lines: object[], outside: string[], ...words: string[]) {
    const file = join(folder, 'audit.ndjson');
    await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const kept = await Promise.all(
      outside.map(async (jws, index) => {
        const name = join(folder, `checkpoint-${index}.jws`);
        await writeFile(name, `${jws}\n`);
        return name;
      }),
    );
    const checkpoints = kept.length > 0 ? ['--checkpoint', ...kept] : [];
    return runInProcess(['verify', file, '--jwks', join(folder, 'jwks.json'), ...checkpoints, ...words], {
      LANG: 'en',
    });
  }

  it('judges every published range that begins as one', async () => {
    const ranges = vectors.cases.filter(({ lines }) => (lines[0] as { type?: string } | undefined)?.type === 'range');
    expect(ranges.length).toBeGreaterThan(20);
    for (const { name, lines, outside, valid } of ranges) {
      const { code } = await verify(lines, outside);
      expect({ name, code }).toEqual({ name, code: valid ? 0 : 1 });
    }
  });

  it('says what it compared with, and what it could not tell without a checkpoint from outside', async () => {
    const [whole, kept] = vectors.cases;
    expect((await verify(whole.lines, [])).out).toContain('Not compared with a checkpoint kept outside');
    const { out } = await verify(kept.lines, kept.outside);
    expect(out).toContain('Entries 0–11: 11 here, 0 past their time, 4 checkpoints; compared with 1 kept outside.');
    expect(out).toContain('✓ Valid');
  });

  it('gives programs the verdict as JSON, and says where a line is wrong', async () => {
    const { lines } = vectors.cases[0];
    const { code, out } = await verify(lines.toSpliced(3, 0, { type: 'x' }), [], '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      valid: false,
      problems: [{ seq: 2, problem: 'is a line of no known type' }],
    });
  });
});
