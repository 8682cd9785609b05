import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The sweeper, a source's list of what needs a hand, and `bury-dead-letters` look for the dead tasks of single packets. */
export class DeadTasksOfPacket1700000000017 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX dead_tasks_of_packet ON dead_tasks (packet_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX dead_tasks_of_packet');
  }
}
