import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Day keys of sessions, keys that replace others, warnings before a key expires. */
export class KeyCare1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE day_key_roots (
        only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
        -- envelope under the master key; only auth can open it
        sealed   bytea NOT NULL
      );
      ALTER TABLE keys
        -- the key that was issued in place of this one: both hold until this one expires
        ADD COLUMN replaced_by text CONSTRAINT keys_replaced_by REFERENCES keys (access_key),
        -- the warning that was given last, in days before the end; more than a year: none yet
        ADD COLUMN warned_days smallint NOT NULL DEFAULT 400;
      CREATE INDEX keys_to_warn ON keys (expires_at) WHERE expires_at IS NOT NULL AND revoked_at IS NULL AND warned_days > 1;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX keys_to_warn;
      ALTER TABLE keys DROP COLUMN replaced_by, DROP COLUMN warned_days;
      DROP TABLE day_key_roots;
    `);
  }
}
