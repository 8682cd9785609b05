/**
 * A test that needs something which this machine or this stack may not have. Where it is missing the test is reported as skipped, with the
 * reason in its title, so that the summary of a run can say why.
 */
export function itWhen(
  condition: boolean,
  reason: string,
): (title: string, work: () => Promise<void>, ms?: number) => void {
  return (title, work, ms) => (condition ? it(title, work, ms) : it.skip(`${title} (skipped: ${reason})`, work));
}
