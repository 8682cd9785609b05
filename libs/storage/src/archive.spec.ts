import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openArchive } from './archive';

describe('a folder outside the database', () => {
  const parent = mkdtempSync(join(tmpdir(), 'lienthong-archive-'));
  const folder = join(parent, 'a', 'b');
  afterAll(() => rmSync(parent, { recursive: true }));

  it('is made, and gets each file whole under its name', async () => {
    const archive = openArchive(folder, undefined);
    await archive.put('checkpoint-1.jws', 'one');
    await archive.put('checkpoint-2.jws', 'two');
    await archive.put('checkpoint-2.jws', 'two');
    expect(readdirSync(folder).toSorted()).toEqual(['checkpoint-1.jws', 'checkpoint-2.jws']);
    expect(readFileSync(join(folder, 'checkpoint-2.jws'), 'utf8')).toBe('two');
  });
});

it('refuses a bucket where no S3 server is set', () => {
  expect(() => openArchive('s3://witness/lienthong', undefined)).toThrow('Set S3_ENDPOINT');
});
