/** Ids of one statement: what waits beyond goes with the next. */
const BATCH = 1000;

interface Asked<Row> {
  id: string;
  resolve: (row: Row | undefined) => void;
  reject: (error: unknown) => void;
}

/**
 * Rows by id for who asks for one at a time: while a statement is under way, further ids collect and go together in the next. So thousands that ask at once (requests
 * whose signatures are wrong, whose keys do not exist) hold one connection of the database at most, and nobody else waits for one.
 */
export class LookUps<Row> {
  private waiting: Asked<Row>[] = [];
  private asking = false;

  /** @param rowsOf the rows there are of these ids, which are different ones, by id */
  constructor(private readonly rowsOf: (ids: string[]) => Promise<Map<string, Row>>) {}

  /** @returns the row as it is in a statement that began after this call */
  find(id: string): Promise<Row | undefined> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ id, resolve, reject });
      if (!this.asking) void this.ask();
    });
  }

  private async ask(): Promise<void> {
    this.asking = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, BATCH);
      try {
        const rows = await this.rowsOf([...new Set(batch.map(({ id }) => id))]);
        for (const { id, resolve } of batch) resolve(rows.get(id));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.asking = false;
  }
}
