import { LienThongError, type SessionAnswer } from '@lienthong/contracts';
import { Command } from 'commander';
import { request } from 'undici';
import type { LienThongClient } from '../client';
import type { CliContext } from '../terminal/cli-context';
import { failureOf } from '../terminal/failure';
import type { Settings } from '../terminal/settings';
import { PlatformError } from '../transport/platform-error';
import { UnreachableError } from '../transport/unreachable-error';

interface Finding {
  check: 'configuration' | 'platform' | 'clock' | 'key' | 'administration' | 'session' | 'stream';
  ok: boolean;
  text: string;
  /** What to do next. */
  advice?: string;
}

const STREAM_WITHIN_MS = 10_000;
/** The signature window is 300 s (protocol 3); a clock that is off by a tenth of it is worth a word. */
const CLOCK_TOLERANCE_S = 30;

export function doctorCommand(cli: CliContext): Command {
  const { say } = cli;
  return new Command('doctor')
    .description(
      say(
        'Kiểm tra từng bước: mạng, đồng hồ, khóa, phiên, luồng sự kiện',
        'Check step by step: network, clock, key, session, stream',
      ),
    )
    .action(async () => {
      const findings: Finding[] = [];
      for await (const finding of examine(cli)) {
        findings.push(finding);
        const mark = finding.ok ? cli.out.style('green', '✓') : cli.out.style('red', '✗');
        cli.out.line(`${mark} ${finding.text}`);
        if (finding.advice) cli.out.line(`  ${finding.advice}`);
      }
      const ok = findings.every((finding) => finding.ok);
      if (!ok) cli.exitCode = 1;
      if (cli.out.json) cli.out.result({ ok, findings }, () => []);
    });
}

/** Each check rests on the one before; the first that fails for good is the last. */
async function* examine(cli: CliContext): AsyncGenerator<Finding> {
  const { say } = cli;
  let settings: Settings;
  try {
    settings = await cli.settings({ key: 'optional', adminKey: true });
  } catch (error) {
    return yield failed(cli, 'configuration', say('Chưa đủ cấu hình', 'The configuration is incomplete'), error);
  }
  const { baseUrl, credentials } = settings;
  const client = cli.connect({ baseUrl, ...credentials, retry: { attempts: 2, totalMs: 15_000 } });

  try {
    const started = performance.now();
    const { ahead } = await askTime(baseUrl);
    const ms = Math.round(performance.now() - started);
    yield {
      check: 'platform',
      ok: true,
      text: say(`Nền tảng trả lời: ${baseUrl} (${ms} ms)`, `The platform answers: ${baseUrl} (${ms} ms)`),
    };
    if (ahead !== undefined) yield clock(cli, ahead);
  } catch (error) {
    return yield failed(
      cli,
      'platform',
      say(`Nền tảng không trả lời: ${baseUrl}`, `The platform does not answer: ${baseUrl}`),
      error,
    );
  }

  try {
    const session = await client.sessions.open();
    const { id, name, agencyCode } = session.system;
    const whose = name ? `${id} (${name})` : id;
    const text = say(
      `Khóa ${credentials?.accessKey} dùng được: ${whose}`,
      `The key ${credentials?.accessKey} works: ${whose}`,
    );
    yield { check: 'key', ok: true, text };
    // An administrator's key belongs to no system: nothing is sent to it, and it has no stream.
    if (!agencyCode) return yield await administration(cli, client);
    await client.packets.page({ limit: 1 });
    yield sessionFound(cli, session);
  } catch (error) {
    return yield failed(
      cli,
      'key',
      say('Khóa hoặc phiên không dùng được', 'The key or the session does not work'),
      error,
    );
  }
  yield await stream(cli, client);
}

async function administration({ say }: CliContext, client: LienThongClient): Promise<Finding> {
  const { queues } = await client.admin.queues();
  const waiting = queues.reduce((sum, { ready }) => sum + ready, 0);
  const text = say(
    `Quyền quản trị dùng được; ${waiting} việc trong hàng đợi`,
    `Administration works; ${waiting} tasks in the queues`,
  );
  return { check: 'administration', ok: true, text };
}

function sessionFound({ say, out }: CliContext, { expiresAt, incoming }: SessionAnswer): Finding {
  const text = say(
    `Phiên mở được, hết hạn ${out.time(expiresAt)}; đang chờ nhận: ${incoming.pending}`,
    `The session works, expires ${out.time(expiresAt)}; waiting: ${incoming.pending}`,
  );
  return { check: 'session', ok: true, text };
}

/** @returns by how many seconds this clock is ahead of the platform's, from the `Date` header */
async function askTime(baseUrl: string): Promise<{ ahead: number | undefined }> {
  const { origin } = new URL(baseUrl);
  const answer = await request(`${origin}/v1/limits`, { headersTimeout: 10_000 }).catch((error: unknown) => {
    throw new UnreachableError(origin, error);
  });
  await answer.body.dump();
  if (answer.statusCode !== 200)
    throw new LienThongError('unreachable', { what: `${origin}/v1/limits`, why: `HTTP ${answer.statusCode}` });
  const date = Date.parse(String(answer.headers.date));
  return { ahead: Number.isNaN(date) ? undefined : Math.round((Date.now() - date) / 1000) };
}

function clock({ say }: CliContext, ahead: number): Finding {
  const ok = Math.abs(ahead) <= CLOCK_TOLERANCE_S;
  const text = say(
    `Đồng hồ lệch ${Math.abs(ahead)} giây so với nền tảng`,
    `The clock is ${Math.abs(ahead)} s off the platform's`,
  );
  const advice = ok
    ? undefined
    : say(
        'Đồng bộ đồng hồ máy này (ví dụ: chrony, systemd-timesyncd); lệch quá 300 giây thì chữ ký bị từ chối.',
        'Synchronise this clock (chrony, systemd-timesyncd); signatures are refused beyond 300 s.',
      );
  return { check: 'clock', ok, text, advice };
}

async function stream(cli: CliContext, client: LienThongClient): Promise<Finding> {
  const { say } = cli;
  const started = performance.now();
  const late = new LienThongError('unreachable', { what: 'WebSocket /v1/stream', why: `${STREAM_WITHIN_MS / 1000} s` });
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, cli.signal, AbortSignal.timeout(STREAM_WITHIN_MS)]);
  let greeted = false;
  let problem: unknown = late;
  const live = client.stream({
    signal,
    onNotice: (notice) => {
      if (notice.type === 'disconnected') problem = notice.error ?? problem;
      if (notice.type !== 'connected') return;
      greeted = true;
      stop.abort();
    },
  });
  try {
    // An event that comes is left unacknowledged: it is not for the doctor.
    await live[Symbol.asyncIterator]().next();
  } catch (error) {
    problem = error;
  }
  const ms = Math.round(performance.now() - started);
  return greeted
    ? { check: 'stream', ok: true, text: say(`Luồng sự kiện mở được (${ms} ms)`, `The event stream opens (${ms} ms)`) }
    : failed(cli, 'stream', say('Luồng sự kiện không mở được', 'The event stream does not open'), problem);
}

function failed({ language, say }: CliContext, check: Finding['check'], text: string, error: unknown): Finding {
  const { detail, code } = failureOf(error, language).problem;
  const hints: Partial<Record<string, string>> = {
    stream: say(
      'Nếu qua proxy, hãy cho phép WebSocket (Upgrade) tới /v1/stream; hoặc dùng: lienthong listen --poll.',
      'Behind a proxy, let WebSocket (Upgrade) through to /v1/stream; or use: lienthong listen --poll.',
    ),
  };
  const hint = error instanceof PlatformError ? '' : (hints[check] ?? '');
  return { check, ok: false, text: `${text} [${code}]`, advice: `${detail} ${hint}`.trim() };
}
