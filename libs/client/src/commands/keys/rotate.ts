import type { KeyRotation, RotatedKey } from '@lienthong/contracts';
import { type Command, InvalidArgumentError } from 'commander';
import type { CliContext } from '../../terminal/cli-context';
import { type KeyFlags, keepKey, withKeyFlags } from './key-file';

interface RotateFlags extends KeyFlags {
  overlapDays?: number;
}

const DAY_SECONDS = 86_400;

/** The options and the work of rotating a key, for its system and for administrators. */
export const withRotateFlags = (command: Command, cli: CliContext): Command =>
  withKeyFlags(command, cli).option(
    '--overlap-days <days>',
    cli.say('khóa cũ còn dùng được bao nhiêu ngày (mặc định 7)', 'days that the former key goes on (7 by default)'),
    (text) => {
      const days = Number(text);
      if (text.trim() !== '' && days >= 0) return days;
      throw new InvalidArgumentError(cli.say('Phải là số từ 0.', 'Must be a number of 0 or more.'));
    },
  );

export const rotate = (
  cli: CliContext,
  flags: RotateFlags & { adminKey: boolean },
  ask: (rotation: KeyRotation) => Promise<RotatedKey>,
): Promise<void> =>
  keepKey(
    cli,
    flags,
    (material) =>
      ask({
        ...material,
        ...(flags.overlapDays !== undefined && { overlapSeconds: Math.round(flags.overlapDays * DAY_SECONDS) }),
      }),
    ({ replaces }) => [
      cli.say(
        `  Khóa cũ ${replaces.accessKey} còn dùng được đến ${cli.out.time(replaces.expiresAt)}.`,
        `  The former key ${replaces.accessKey} goes on until ${cli.out.time(replaces.expiresAt)}.`,
      ),
    ],
  );
