import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The history of connections is read by system, newest first. */
export class ConnectionHistory1700000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX connections_of_system ON connections (system_id, id DESC)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX connections_of_system');
  }
}
