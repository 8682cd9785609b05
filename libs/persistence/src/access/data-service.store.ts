import type { Transactions } from '../transactions';

/** Data services (types of data) as the rights of a token: which a system takes part in, and to which a packet belongs. */
export class DataServiceStore {
  constructor(private readonly transactions: Pick<Transactions, 'query'>) {}

  /** @returns the data types that the system may send, and those of grants that name it or its agency as receiver; `*` for all */
  async of(systemId: string): Promise<string[]> {
    const rows = await this.transactions.query<{ dataType: string }>(
      `SELECT DISTINCT unnest(data_types) AS "dataType" FROM grants WHERE source = ANY($1) OR target = ANY($2) ORDER BY 1`,
      [
        [systemId, systemId.split('/')[0], '*'],
        [systemId, systemId.split('/')[0]],
      ],
    );
    return rows.map(({ dataType }) => dataType);
  }

  /** @param id UUID of a packet or of a delivery @returns undefined when there is none */
  async dataTypeOf(of: 'packet' | 'delivery', id: string): Promise<string | undefined> {
    const packet = of === 'packet' ? '$1' : '(SELECT packet_id FROM deliveries WHERE id = $1)';
    const [row] = await this.transactions.query<{ dataType: string }>(
      `SELECT data_type AS "dataType" FROM packets WHERE id = ${packet}`,
      [id],
    );
    return row?.dataType;
  }
}
