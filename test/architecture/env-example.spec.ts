import { readFileSync } from 'node:fs';
import { envExampleText } from './env-example';

describe('.env.example', () => {
  it('is what the settings of the apps make of it (npm run env-example writes it)', () => {
    expect(readFileSync(`${__dirname}/../../.env.example`, 'utf8')).toBe(envExampleText());
  });
});
