import { readFileSync } from 'node:fs';
import { openapi } from '../../apps/standalone/src/openapi';

describe('docs/openapi.json', () => {
  it('is what the code makes of it (npm run openapi writes it)', async () => {
    const file: unknown = JSON.parse(readFileSync(`${__dirname}/../../docs/openapi.json`, 'utf8'));
    expect(file).toEqual(JSON.parse(JSON.stringify(await openapi())));
  });
});
