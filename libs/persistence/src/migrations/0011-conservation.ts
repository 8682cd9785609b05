import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Packets that began, counted by the database itself: the other side of `finished_packets`, which the platform writes. A packet begins when it is made,
 * and again when a finished one is sent once more.
 */
export class Conservation1700000000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE begun_packets (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        n   bigint NOT NULL DEFAULT 1
      );
      CREATE FUNCTION packet_begins() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO begun_packets DEFAULT VALUES; RETURN NULL; END $$;
      CREATE TRIGGER packet_is_made AFTER INSERT ON packets FOR EACH ROW EXECUTE FUNCTION packet_begins();
      CREATE TRIGGER packet_begins_again AFTER UPDATE OF state ON packets FOR EACH ROW
        WHEN (OLD.state NOT IN ('open','received','scheduled') AND NEW.state IN ('open','received','scheduled')) EXECUTE FUNCTION packet_begins();
      INSERT INTO begun_packets (n)
        SELECT (SELECT coalesce(sum(n), 0) FROM finished_packets) + (SELECT count(*) FROM packets WHERE state IN ('open','received','scheduled'));
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER packet_is_made ON packets;
      DROP TRIGGER packet_begins_again ON packets;
      DROP FUNCTION packet_begins();
      DROP TABLE begun_packets;
    `);
  }
}
