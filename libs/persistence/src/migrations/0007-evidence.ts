import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Platform keys are rotated: published before they sign, and without their private half some time after. A purge that the store refuses is known as such. */
export class Evidence1700000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE platform_keys ADD COLUMN signs_from timestamptz NOT NULL DEFAULT now();
      UPDATE platform_keys SET signs_from = created_at;
      ALTER TABLE platform_keys ALTER COLUMN sealed_private DROP NOT NULL;
      -- never set once the content is gone: blocked is not purged
      ALTER TABLE packets ADD COLUMN purge_blocked_at timestamptz;
      CREATE INDEX packets_purge_blocked ON packets (purge_blocked_at) WHERE purge_blocked_at IS NOT NULL AND purged_at IS NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE packets DROP COLUMN purge_blocked_at;
      DELETE FROM platform_keys WHERE sealed_private IS NULL;
      ALTER TABLE platform_keys ALTER COLUMN sealed_private SET NOT NULL;
      ALTER TABLE platform_keys DROP COLUMN signs_from;
    `);
  }
}
