import { LienThongError } from '@lienthong/contracts';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Readiness {
  status: 'ready' | 'not ready' | 'draining';
  checks: Record<string, string>;
  /** What is not right, and keeps nobody from being served; absent where all is. */
  warnings?: Record<string, string>;
}

/** Thrown by a check that wants its own words shown. Every other error shows only its code or class: its message may hold what is secret. */
export class NotReady extends Error {
  override readonly name = 'NotReady';
}

/** A check that hangs must not make the probe hang. */
const CHECK_TIMEOUT_MS = 2_000;

/** What must work for this process to serve; `GET /readyz` asks all of them, at the same time. */
export class HealthChecks {
  readonly #checks = new Map<string, () => Promise<void>>();
  readonly #warnings = new Map<string, () => string | undefined>();

  constructor(private readonly shutdown: { readonly draining: boolean } = { draining: false }) {}

  /**
   * @param check throws when it does not work; has 2 s
   * @returns takes it back
   */
  register(name: string, check: () => Promise<void>): () => void {
    this.#checks.set(name, check);
    return () => void this.#checks.delete(name);
  }

  /** @param look a sentence while there is something to say, which leaves the process ready */
  warn(name: string, look: () => string | undefined): void {
    this.#warnings.set(name, look);
  }

  async readiness(): Promise<Readiness> {
    const results = await Promise.all([...this.#checks].map(async ([name, check]) => [name, await outcome(check)]));
    const checks = Object.fromEntries(results) as Record<string, string>;
    const ready = Object.values(checks).every((result) => result === 'ok');
    const warnings = [...this.#warnings].flatMap(([name, look]) => {
      const sentence = look();
      return sentence ? [[name, sentence]] : [];
    });
    return {
      status: this.shutdown.draining ? 'draining' : ready ? 'ready' : 'not ready',
      checks,
      ...(warnings.length > 0 && { warnings: Object.fromEntries(warnings) as Record<string, string> }),
    };
  }
}

async function outcome(check: () => Promise<void>): Promise<string> {
  const over = new AbortController();
  const late = sleep(CHECK_TIMEOUT_MS, 'no answer in time', { signal: over.signal, ref: false }).catch(() => '');
  try {
    return await Promise.race([check().then(() => 'ok'), late]);
  } catch (error) {
    return reason(error);
  } finally {
    over.abort();
  }
}

function reason(error: unknown): string {
  if (error instanceof NotReady) return error.message;
  if (error instanceof LienThongError) return error.code;
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? code : typeof name === 'string' ? name : 'failed';
}
