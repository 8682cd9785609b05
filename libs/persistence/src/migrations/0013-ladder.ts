import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The service calendar and the contact of a system, and the ladder of reminders: what waits is on an index of its own, and so is every e-mail that
 * is still to be sent or told of. No address is stored here: a contact is the SHA-256 of one, the registry alone knows it.
 */
export class Ladder1700000000013 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE systems
        -- where its own differs from its agency's
        ADD COLUMN contact jsonb,
        ADD COLUMN calendar jsonb,
        ADD COLUMN calendar_changed_at timestamptz;

      ALTER TABLE deliveries
        -- the next look whether its destination must be reminded; null: none is left
        ADD COLUMN next_reminder_at timestamptz,
        -- of this attempt
        ADD COLUMN reminders int NOT NULL DEFAULT 0;
      SET LOCAL statement_timeout = 0;
      UPDATE deliveries SET next_reminder_at = GREATEST(now(), available_at) + interval '1 hour' WHERE state IN ('pending','notified');
      CREATE INDEX deliveries_to_remind ON deliveries (next_reminder_at) WHERE next_reminder_at IS NOT NULL AND state IN ('pending','notified');

      -- e-mails to be sent, or of which the timelines are still to be told; nothing else
      CREATE TABLE emails (
        id           uuid PRIMARY KEY,
        contact      text NOT NULL,
        attempts     int NOT NULL DEFAULT 0,
        available_at timestamptz NOT NULL,
        outcome      text
      );
      CREATE INDEX emails_due ON emails (available_at);
      CREATE INDEX emails_untried ON emails (contact) WHERE attempts = 0;
      CREATE TABLE email_deliveries (
        email_id    uuid NOT NULL REFERENCES emails (id) ON DELETE CASCADE,
        delivery_id uuid NOT NULL,
        packet_id   uuid NOT NULL,
        PRIMARY KEY (email_id, delivery_id)
      );
      -- when a contact was last written to: the bound of its e-mails
      CREATE TABLE mailed_contacts (
        contact   text PRIMARY KEY,
        mailed_at timestamptz NOT NULL
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE mailed_contacts, email_deliveries, emails;
      DROP INDEX deliveries_to_remind;
      ALTER TABLE deliveries DROP COLUMN next_reminder_at, DROP COLUMN reminders;
      ALTER TABLE systems DROP COLUMN contact, DROP COLUMN calendar, DROP COLUMN calendar_changed_at;
    `);
  }
}
