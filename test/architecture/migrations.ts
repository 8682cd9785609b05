/** The last one of before the rule. */
const FREE_UP_TO = 17;

/** What a program that knows only the former tables may stand in the way of, or trip over. */
const TAKES_AWAY = [
  /\bDROP\b/i,
  /\bRENAME\b/i,
  /\bTRUNCATE\b/i,
  /\bREVOKE\b/i,
  /\bSET\s+NOT\s+NULL\b/i,
  /\bALTER\s+COLUMN\b.*\bTYPE\b/i,
  /\bADD\s+COLUMN\b(?!.*\bDEFAULT\b).*\bNOT\s+NULL\b/i,
  /\bADD\s+(CONSTRAINT|UNIQUE|CHECK|FOREIGN|PRIMARY|EXCLUDE)\b/i,
  /\bCREATE\s+UNIQUE\s+INDEX\b/i,
];
const REASON = /-- former version: \w+/;

/**
 * The former version works on the new tables while an upgrade goes on, and after a step back: a migration only adds. What takes something away, or
 * forbids it, says why the former version can bear it: `-- former version: …` on its line or the one above.
 * @param name of the migration's file @param text of that file
 * @returns the lines of its `up` that lack a reason
 */
export function takenAway(name: string, text: string): string[] {
  if (Number.parseInt(name, 10) <= FREE_UP_TO) return [];
  const down = text.indexOf('async down(');
  const lines = text.slice(text.indexOf('async up('), down < 0 ? undefined : down).split('\n');
  return lines.flatMap((line, at) => {
    const sql = line.replace(/--.*|\/\/.*/, '');
    if (!TAKES_AWAY.some((pattern) => pattern.test(sql))) return [];
    return [line, lines[at - 1] ?? ''].some((one) => REASON.test(one)) ? [] : [`${name}: ${line.trim()}`];
  });
}
