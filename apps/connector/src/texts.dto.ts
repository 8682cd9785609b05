import { LIMITS } from '@lienthong/contracts';
import { applyDecorators } from '@nestjs/common';
import { IsString, Matches, MaxLength } from 'class-validator';

const NO_CONTROLS = { vi: 'Không được có ký tự điều khiển.', en: 'Must not have control characters.' };
const ONE_LINE = /^[^\p{Cc}\u2028\u2029]*$/u;
const LINES = /^([^\p{Cc}]|[\t\n\r])*$/u;

/** A title or a name: shown, logged, offered as a file name. */
export const IsOneLine = () => Matches(ONE_LINE, { context: NO_CONTROLS });

/** A reason in words, of several lines if need be. */
export const IsReason = () =>
  applyDecorators(IsString(), MaxLength(LIMITS.reasonCharacters), Matches(LINES, { context: NO_CONTROLS }));
