import type { PolicyRulesView, SystemPolicyRules } from '@lienthong/contracts';
import { auditRecord } from '../audit/audit-record';
import { isoOrNull } from '../times';
import type { Transactions } from '../transactions';

export const systemScope = (systemId: string): string => `system:${systemId}`;
export const dataTypeScope = (dataType: string): string => `dataType:${dataType}`;

/** What administrators set for the packets of a system or a data type. A scope that was never set has no rules. */
export class PolicyRulesStore {
  constructor(private readonly transactions: Transactions) {}

  /** @returns the rules of these scopes, in the order of the scopes; those without rules are left out. `now`: the database's time, for their deadlines */
  async of(scopes: string[]): Promise<{ now: Date; layers: { scope: string; rules: SystemPolicyRules }[] }> {
    const [found] = await this.transactions.query<{ now: Date; layers: { scope: string; rules: SystemPolicyRules }[] }>(
      `SELECT clock_timestamp() AS now, coalesce(jsonb_agg(jsonb_build_object('scope', scope, 'rules', policy)
         ORDER BY array_position($1::text[], scope)), '[]') AS layers FROM policies WHERE scope = ANY($1)`,
      [scopes],
    );
    return found;
  }

  async view(scope: string): Promise<PolicyRulesView> {
    const [row] = await this.transactions.query<{ rules: SystemPolicyRules; changedAt: Date }>(
      'SELECT policy AS rules, changed_at AS "changedAt" FROM policies WHERE scope = $1',
      [scope],
    );
    return { scope, rules: row?.rules ?? {}, changedAt: isoOrNull(row?.changedAt ?? null) };
  }

  /** Takes the place of what was set before; none takes it away. */
  async set(scope: string, rules: SystemPolicyRules): Promise<PolicyRulesView> {
    const changedAt = await this.transactions.run(async (unit) => {
      const [row] = await unit.query<{ changedAt: Date }>(
        `INSERT INTO policies (scope, policy) VALUES ($1, $2)
         ON CONFLICT (scope) DO UPDATE SET policy = $2, changed_at = now() RETURNING changed_at AS "changedAt"`,
        [scope, JSON.stringify(rules)],
      );
      unit.records.audit.push(auditRecord({ action: 'policy.changed', subject: scope, detail: { ...rules } }));
      return row.changedAt;
    });
    return { scope, rules, changedAt: isoOrNull(changedAt) };
  }
}
