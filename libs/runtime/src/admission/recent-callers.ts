/** So long after its last request a caller still counts as there: longer than a clerk takes for the next packet would make everybody stand back for hours. */
const THERE_MS = 10_000;

/** Whether somebody else was there just now; remembers the last two, however many there are. */
export class RecentCallers {
  private last = { caller: '', at: -Infinity };
  private before = this.last;

  note(caller: string): void {
    if (caller !== this.last.caller) this.before = this.last;
    this.last = { caller, at: performance.now() };
  }

  othersThan(caller: string): boolean {
    const other = caller === this.last.caller ? this.before : this.last;
    return performance.now() - other.at < THERE_MS;
  }
}
