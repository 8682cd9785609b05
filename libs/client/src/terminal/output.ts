import { styleText } from 'node:util';
import type { Language } from '@lienthong/contracts';
import type { Surroundings } from './cli-context';

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** Results on stdout, as a text for people or as one line of JSON; everything else (progress, remarks) on stderr. Colour only on a terminal. */
export class Output {
  readonly terminal: boolean;

  constructor(
    private readonly surroundings: Pick<Surroundings, 'stdout' | 'stderr' | 'env'>,
    private readonly wantsJson: () => boolean,
    private readonly language: Language,
  ) {
    this.terminal = surroundings.stdout.isTTY === true;
  }

  get json(): boolean {
    return this.wantsJson();
  }

  /** The outcome of a command: `value` with `--json`, else the lines of `text`. */
  result(value: unknown, text: () => string | string[]): void {
    const lines = this.json ? [JSON.stringify(value)] : [text()].flat();
    for (const line of lines) this.surroundings.stdout.write(`${line}\n`);
  }

  /** For people only; silent with `--json`. */
  line(text: string): void {
    if (!this.json) this.surroundings.stdout.write(`${text}\n`);
  }

  /** A remark, never part of the result. */
  note(text: string): void {
    this.surroundings.stderr.write(`${text}\n`);
  }

  style(style: Style, text: string): string {
    const { NO_COLOR, TERM } = this.surroundings.env;
    return this.terminal && !this.json && !NO_COLOR && TERM !== 'dumb' ? styleText(style, text) : text;
  }

  /** Columns as wide as their longest text. */
  table(headings: string[], rows: (string | number | null | undefined)[][]): string[] {
    const cells = [headings, ...rows.map((row) => row.map((cell) => String(cell ?? '–')))];
    const widths = headings.map((_heading, column) => Math.max(...cells.map((row) => row[column].length)));
    return cells.map((row, index) => {
      const line = row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd();
      return index === 0 ? this.style('bold', line) : line;
    });
  }

  /** In the time of the place where the program runs. */
  time(iso: string | null | undefined): string {
    if (!iso) return '–';
    const locale = this.language === 'vi' ? 'vi-VN' : 'en-GB';
    const day = { day: '2-digit', month: '2-digit', year: 'numeric' } as const;
    return new Date(iso).toLocaleString(locale, { ...day, hour: '2-digit', minute: '2-digit', second: '2-digit' });
  }

  bytes(count: number): string {
    const units = ['B', 'KiB', 'MiB', 'GiB'];
    const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10));
    const digits = power === 0 ? 0 : 1;
    const number = (count / 1024 ** power).toLocaleString(this.language === 'vi' ? 'vi-VN' : 'en-GB', {
      maximumFractionDigits: digits,
    });
    return `${number} ${units[power]}`;
  }
}
