import { Command } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { PlatformError } from '../../transport/platform-error';
import type { TokenAnswer } from '@lienthong/contracts';

export function tokenCommand(cli: CliContext): Command {
  const { say, out } = cli;
  return new Command('token')
    .description(
      say(
        'Lấy token OAuth 2 cho chương trình không ký được; khóa phải được quản trị viên cho phép (bearer)',
        'An OAuth 2 token for a program that cannot sign; an administrator must have marked the key bearer',
      ),
    )
    .option(
      '--scope <types...>',
      say('loại dữ liệu; không ghi thì mọi loại được cấp', 'data types; all that are granted without it'),
    )
    .action(async ({ scope }: { scope?: string[] }) => {
      const { access } = await cli.client({ session: false });
      const token = await access.token({ scope }).catch((error: unknown) => {
        throw inLanguage(error, cli);
      });
      const until = new Date(Date.now() + token.expires_in * 1000).toISOString();
      // Apart from the token, which a script takes from stdout.
      if (!out.json)
        out.note(
          say(
            `Loại dữ liệu: ${token.scope}. Hết hạn: ${out.time(until)}.`,
            `For ${token.scope}, until ${out.time(until)}.`,
          ),
        );
      out.result(token satisfies TokenAnswer, () => token.access_token);
    });
}

/** RFC 6749 has no languages: its three answers to an honest client, said so that it is clear what to do. */
function inLanguage(error: unknown, { say }: CliContext): unknown {
  if (!(error instanceof PlatformError)) return error;
  const { problem } = error;
  const texts: Record<string, string> = {
    invalid_client: say(
      'Khóa truy xuất hoặc khóa bí mật không đúng, đã hết hạn hoặc đã bị thu hồi. Kiểm tra tệp khóa.',
      'The access key or its secret is wrong, expired or revoked. Check the key file.',
    ),
    unauthorized_client: say(
      'Khóa này không được dùng để lấy token. Đề nghị quản trị viên cấp khóa có --bearer.',
      'This key may not be used for tokens. Ask the administrator for a key issued with --bearer.',
    ),
    invalid_scope: say(
      'Có loại dữ liệu mà hệ thống này chưa được cấp quyền liên thông. Bỏ loại đó, hoặc đề nghị quản trị viên cấp quyền.',
      'There is a data type that this system is not granted. Leave it out, or ask the administrator for the grant.',
    ),
  };
  const detail = texts[problem.code];
  return detail === undefined ? error : new PlatformError({ ...problem, detail });
}
