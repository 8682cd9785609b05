import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Node makes no certificates; `openssl` of version 3 does. */
export const canMakeCertificates =
  spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout?.startsWith('OpenSSL 3') ?? false;

/** What a server shows to its clients, PEM. */
export interface Credentials {
  key: string;
  cert: string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A certificate authority of a test's own, in a folder of its own. */
export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'lienthong-ca-'));
  /** Its certificate, PEM. */
  readonly file = this.path('ca.pem');
  private issued = 0;

  constructor(name: string) {
    const of = ['-keyout', this.path('ca.key'), '-out', this.file, '-subj', `/CN=${name}`];
    this.openssl('req', '-x509', ...NEW_KEY, ...of, '-days', '2');
  }

  /** @param names as in `DNS:localhost,IP:127.0.0.1` @param days it is valid for; -1: it ended yesterday */
  issue(names: string, days = 2): Credentials {
    this.issued += 1;
    const [key, request, cert] = ['key', 'csr', 'pem'].map((kind) => this.path(`${this.issued}.${kind}`));
    const asked = ['-subj', '/CN=receiver', '-addext', `subjectAltName=${names}`];
    this.openssl('req', ...NEW_KEY, '-keyout', key, '-out', request, ...asked);
    const by = ['-CA', this.file, '-CAkey', this.path('ca.key'), '-copy_extensions', 'copy'];
    this.openssl('x509', '-req', '-in', request, '-out', cert, ...by, '-days', String(days));
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private path(name: string): string {
    return join(this.folder, name);
  }

  private openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}
