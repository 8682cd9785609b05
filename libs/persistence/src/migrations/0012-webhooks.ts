import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Webhooks, one per system, each with its own place in the stream; and how often a system polled or answered its webhook. */
export class Webhooks1700000000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE webhooks (
        system_id       text PRIMARY KEY REFERENCES systems (id),
        -- another with each PUT: what was begun for the former one is not noted on this
        id              uuid NOT NULL,
        url             text NOT NULL,
        -- types of events; null: all
        events          text[],
        sealed_secret   bytea NOT NULL,
        -- signs too, so that a receiver may change secrets without a stop
        former_secret   bytea,
        -- the id that the former secret is sealed for
        former_id       uuid,
        former_until    timestamptz,
        state           text NOT NULL CHECK (state IN ('verified','failing','off')),
        verified_at     timestamptz NOT NULL DEFAULT now(),
        -- everything up to here was answered, or is of no type that was asked for
        after_offset    bigint NOT NULL,
        answered_at     timestamptz,
        failures        int NOT NULL DEFAULT 0,
        failing_since   timestamptz,
        last_error      text,
        last_error_at   timestamptz,
        next_attempt_at timestamptz NOT NULL DEFAULT now(),
        -- who sends now, over all instances, and until when he need not be waited for
        lease           uuid,
        leased_until    timestamptz
      );
      CREATE INDEX webhooks_to_call ON webhooks (next_attempt_at) WHERE state <> 'off';

      CREATE TABLE contact_counts (
        system_id text NOT NULL REFERENCES systems (id),
        day       date NOT NULL,
        polls     bigint NOT NULL DEFAULT 0,
        webhooks  bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (system_id, day)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE contact_counts, webhooks');
  }
}
