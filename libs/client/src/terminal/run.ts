import type { Language } from '@lienthong/contracts';
import { type Argument, Command, CommanderError, Option } from 'commander';
import { adminCommand } from '../commands/admin/admin';
import { ownCalendarCommand } from '../commands/calendar/calendar';
import { demoCommand } from '../commands/demo/demo';
import { doctorCommand } from '../commands/doctor';
import { extendCommand } from '../commands/after-sending/extend';
import { jwksCommand } from '../commands/jwks';
import { ownKeysCommand } from '../commands/keys/keys';
import { listenCommand } from '../commands/listen';
import { recallCommand } from '../commands/after-sending/recall';
import { resendCommand } from '../commands/after-sending/resend';
import { receiptsCommand } from '../commands/receipts';
import { receiveCommand } from '../commands/receive';
import { sendCommand } from '../commands/send';
import { accessCommand } from '../commands/access/access';
import { tokenCommand } from '../commands/access/token';
import { signCommand } from '../commands/sign';
import { statusCommand } from '../commands/status';
import { verifyCommand } from '../commands/verify';
import { webhookCommand } from '../commands/webhook';
import { CliContext, type CommandMaker, type Say, type Surroundings } from './cli-context';
import { failureLines, failureOf } from './failure';

const COMMANDS: CommandMaker[] = [
  sendCommand,
  listenCommand,
  receiveCommand,
  statusCommand,
  recallCommand,
  extendCommand,
  resendCommand,
  receiptsCommand,
  verifyCommand,
  jwksCommand,
  signCommand,
  accessCommand,
  tokenCommand,
  doctorCommand,
  ownKeysCommand,
  ownCalendarCommand,
  webhookCommand,
  adminCommand,
  demoCommand,
];

/** Runs the program with the words after its name. @returns the exit code: 0 done, 1 failed, 2 used wrongly */
export async function runCli(words: string[], surroundings: Surroundings): Promise<number> {
  const language = languageOf(words, surroundings.env);
  const program = new Command('lienthong');
  const cli = new CliContext(language, surroundings, () => program.opts());
  const { say } = cli;
  program
    .description(say('Liên Thông: gửi nhận gói tin giữa các cơ quan', 'Liên Thông: exchange packets between agencies'))
    .version('0.1.0', '-V, --version', say('phiên bản', 'version'))
    .option('--url <address>', say('địa chỉ nền tảng (LIENTHONG_URL)', 'address of the platform (LIENTHONG_URL)'))
    .option('--key-file <file>', say('tệp khóa (LIENTHONG_KEY_FILE)', 'key file (LIENTHONG_KEY_FILE)'))
    .option('--json', say('kết quả dạng JSON, mỗi dòng một đối tượng', 'results as JSON, one object a line'))
    .addOption(new Option('--lang <language>', say('ngôn ngữ', 'language')).choices(['vi', 'en']).default(language));
  for (const command of COMMANDS) program.addCommand(command(cli));
  settle(program, surroundings, say);
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    // Help and version that were asked for are no failure.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const { exitCode, problem } = failureOf(error, language);
    if (cli.out.json) cli.out.note(JSON.stringify({ error: problem }));
    else for (const line of failureLines(problem, language)) cli.out.note(cli.out.style('red', line));
    return exitCode;
  } finally {
    await cli.close();
  }
  return cli.exitCode;
}

/** The language is known before the options are read, since the options themselves are described in it. */
function languageOf(words: string[], env: Surroundings['env']): Language {
  const asked = words
    .flatMap((word, index) =>
      word === '--lang' ? [words[index + 1]] : word.startsWith('--lang=') ? [word.slice(7)] : [],
    )
    .at(-1);
  if (asked === 'vi' || asked === 'en') return asked;
  return /^en/i.test(env.LC_ALL ?? env.LC_MESSAGES ?? env.LANG ?? '') ? 'en' : 'vi';
}

function argumentText(argument: Argument): string {
  const text = `${argument.name()}${argument.variadic ? '…' : ''}`;
  return argument.required ? `<${text}>` : `[${text}]`;
}

/** What Commander does not hand down to subcommands: throw instead of leaving the process, write where told, speak the language. */
function settle(command: Command, { stdout, stderr }: Surroundings, say: Say): void {
  const titles: Record<string, string> = {
    'Usage:': say('Cách dùng:', 'Usage:'),
    'Arguments:': say('Tham số:', 'Arguments:'),
    'Options:': say('Tùy chọn:', 'Options:'),
    'Global Options:': say('Tùy chọn chung:', 'Global options:'),
    'Commands:': say('Lệnh:', 'Commands:'),
  };
  command
    .exitOverride()
    .helpOption('-h, --help', say('xem hướng dẫn', 'show help'))
    .helpCommand(false)
    .usage(
      command.commands.length > 0
        ? say('[tùy chọn] <lệnh>', '[options] <command>')
        : [say('[tùy chọn]', '[options]'), ...command.registeredArguments.map(argumentText)].join(' '),
    )
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => titles[title] ?? title })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      // Shown once, by `runCli`.
      outputError: () => undefined,
    });
  for (const sub of command.commands) settle(sub, { stdout, stderr } as Surroundings, say);
}
