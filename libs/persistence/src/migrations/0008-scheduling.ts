import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Policy with its sources, warnings before the deadline, what is known of a delivery that failed, rounds of a packet that is sent again, and the
 * quota of urgent packets. The new indexes hold live deliveries only, but for the one of what was given up, which is read a minute back.
 */
export class Scheduling1700000000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- what an administrator sets for the packets of a system ('system:H01.14/qlvb') or of a data type ('dataType:file')
      CREATE TABLE policies (
        scope      text PRIMARY KEY,
        policy     jsonb NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT now()
      );
      -- urgent packets of a system in a window of the quota
      CREATE TABLE urgent_packets (
        system_id  text NOT NULL,
        "window"   timestamptz NOT NULL,
        n          int NOT NULL,
        PRIMARY KEY (system_id, "window")
      );

      ALTER TABLE packets
        -- where each value of the policy came from
        ADD COLUMN policy_sources jsonb NOT NULL DEFAULT '{}',
        -- what the source asked for, where it got less
        ADD COLUMN asked_priority smallint,
        ADD COLUMN round int NOT NULL DEFAULT 1,
        -- the recipients of this round, from the second on
        ADD COLUMN resend_to jsonb;
      -- how the former rounds of a packet ended; never changed
      CREATE TABLE packet_rounds (
        packet_id   uuid NOT NULL REFERENCES packets (id),
        round       int NOT NULL,
        state       text NOT NULL,
        received_at timestamptz,
        deliver_by  timestamptz,
        finished_at timestamptz,
        purged_at   timestamptz,
        PRIMARY KEY (packet_id, round)
      );

      ALTER TABLE deliveries
        ADD COLUMN round int NOT NULL DEFAULT 1,
        -- the next warning; null: none is left
        ADD COLUMN warn_at timestamptz,
        -- confirmations whose digests were not those of the content
        ADD COLUMN mismatches int NOT NULL DEFAULT 0,
        ADD COLUMN late_confirmed_at timestamptz,
        -- of one that was given up: what was tried, with counts and times
        ADD COLUMN history jsonb;
      ALTER TABLE deliveries DROP CONSTRAINT deliveries_packet_id_system_id_key;
      ALTER TABLE deliveries ADD CONSTRAINT one_delivery_of_a_round UNIQUE (packet_id, system_id, round);
      CREATE INDEX deliveries_to_warn ON deliveries (warn_at) WHERE warn_at IS NOT NULL AND state IN ('pending','notified','ready');
      CREATE INDEX deliveries_given_up ON deliveries (finished_at) WHERE state = 'undeliverable';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX deliveries_to_warn, deliveries_given_up;
      ALTER TABLE deliveries DROP CONSTRAINT one_delivery_of_a_round;
      DELETE FROM deliveries WHERE round > 1;
      ALTER TABLE deliveries ADD UNIQUE (packet_id, system_id);
      ALTER TABLE deliveries DROP COLUMN round, DROP COLUMN warn_at, DROP COLUMN mismatches, DROP COLUMN late_confirmed_at, DROP COLUMN history;
      ALTER TABLE packets DROP COLUMN policy_sources, DROP COLUMN asked_priority, DROP COLUMN round, DROP COLUMN resend_to;
      DROP TABLE packet_rounds, urgent_packets, policies;
    `);
  }
}
