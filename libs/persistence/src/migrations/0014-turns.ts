import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Turns in the analysis: a source has so many of its packets there at a time, the others wait for their turn in PostgreSQL. Both indexes hold received packets only,
 * and the sweeper's no longer those that wait: nobody owes them a task.
 */
export class Turns1700000000014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- when a received packet got its turn in the analysis; null: it waits
      ALTER TABLE packets ADD COLUMN turn_at timestamptz;
      CREATE INDEX packets_in_analysis ON packets (source, priority, turn_at) WHERE state = 'received' AND turn_at IS NOT NULL;
      CREATE INDEX packets_to_get_turn ON packets (source, priority, id) WHERE state = 'received' AND turn_at IS NULL;
      DROP INDEX packets_to_drive;
      CREATE INDEX packets_to_drive ON packets (driven_at) WHERE state = 'received' AND turn_at IS NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX packets_to_drive, packets_to_get_turn, packets_in_analysis;
      CREATE INDEX packets_to_drive ON packets (driven_at) WHERE state = 'received';
      ALTER TABLE packets DROP COLUMN turn_at;
    `);
  }
}
