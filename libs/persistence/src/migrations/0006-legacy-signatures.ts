import type { MigrationInterface, QueryRunner } from 'typeorm';

/** hmac-sha1 is a dated legacy of a key: until when it is taken, and how often it is used. */
export class LegacySignatures1700000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE keys ADD COLUMN legacy_until timestamptz;
      -- keys that were issued before there was a date get a season to be replaced
      UPDATE keys SET legacy_until = now() + interval '90 days' WHERE 'hmac-sha1' = ANY (algorithms);
      CREATE INDEX keys_legacy ON keys (legacy_until) WHERE legacy_until IS NOT NULL;
      CREATE TABLE legacy_uses (
        access_key text NOT NULL REFERENCES keys (access_key),
        day        date NOT NULL,
        n          bigint NOT NULL,
        PRIMARY KEY (access_key, day)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE legacy_uses; ALTER TABLE keys DROP COLUMN legacy_until');
  }
}
