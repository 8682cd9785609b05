import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditLine } from '@lienthong/signing';
import { itWhen } from '../../support/when';
import { hasPython, pythonVerdicts } from './python-verifier';

interface Vectors {
  jwks: object;
  cases: { name: string; valid: boolean; outside: string[]; lines: AuditLine[] }[];
}

itWhen(hasPython, 'Python 3 with the package cryptography is not on this machine')(
  'judges every published range in Python as it is published',
  async () => {
    const file = join(__dirname, '../../../docs/test-vectors/audit.json');
    const { jwks, cases } = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
    for (const { name, lines, outside, valid } of cases)
      expect({ name, verdict: (await pythonVerdicts([lines], jwks, outside[0]))[0] }).toEqual({ name, verdict: valid });
    expect(cases.length).toBeGreaterThan(20);
  },
  60_000,
);
