import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A resend said again with the same Idempotency-Key begins no other round, even when the first one's round is over. */
export class RoundKeys1700000000018 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE round_keys (
        packet_id uuid NOT NULL REFERENCES packets (id),
        key       text NOT NULL,
        PRIMARY KEY (packet_id, key)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE round_keys');
  }
}
