import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Packets, deliveries, events, receipts and the outbox. Every index that a poll or a timer uses is partial on what is not final yet,
 * so that its cost does not grow with the packets that are done (invariant 8).
 */
export class Exchange1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE packets (
        id               uuid PRIMARY KEY,
        source           text NOT NULL REFERENCES systems (id),
        state            text NOT NULL CHECK (state IN ('open','received','scheduled','completed','expired','refused','recalled')),
        title            text NOT NULL,
        -- the title in lower case, without Vietnamese accents
        search           text NOT NULL DEFAULT '',
        priority         smallint NOT NULL,
        data_type        text NOT NULL,
        protocol         text NOT NULL,
        in_reply_to      uuid,
        policy           jsonb NOT NULL DEFAULT '{}',
        -- [{ address, systemId, routedBy }]: the allowed recipients, until planning makes deliveries of them
        recipients       jsonb NOT NULL,
        idempotency_key  text,
        request_digest   bytea,
        created_at       timestamptz NOT NULL DEFAULT now(),
        space_expires_at timestamptz NOT NULL,
        received_at      timestamptz,
        analysed_at      timestamptz,
        deliver_by       timestamptz,
        finished_at      timestamptz,
        -- when the content is to go; set with the final state
        purge_after      timestamptz,
        purged_at        timestamptz,
        -- hash of the newest receipt: the next one's prev
        receipt_hash     text,
        -- when the sweeper last sent its task again
        driven_at        timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX one_packet_per_key ON packets (source, idempotency_key) WHERE idempotency_key IS NOT NULL;
      CREATE INDEX packets_of_source ON packets (source, id DESC);
      CREATE INDEX packets_live ON packets (source, state) WHERE state IN ('open','received','scheduled');
      CREATE INDEX spaces_to_close ON packets (space_expires_at) WHERE state = 'open';
      CREATE INDEX packets_to_drive ON packets (driven_at) WHERE state = 'received';
      CREATE INDEX packets_to_purge ON packets (purge_after) WHERE purged_at IS NULL AND purge_after IS NOT NULL;

      CREATE TABLE parts (
        packet_id  uuid NOT NULL REFERENCES packets (id),
        ordinal    smallint NOT NULL,
        name       text NOT NULL,
        media_type text NOT NULL,
        size       bigint NOT NULL,
        sha256     text NOT NULL,
        object_key text NOT NULL,
        upload_id  text,
        PRIMARY KEY (packet_id, ordinal)
      );

      CREATE TABLE deliveries (
        id           uuid PRIMARY KEY,
        packet_id    uuid NOT NULL REFERENCES packets (id),
        system_id    text NOT NULL REFERENCES systems (id),
        address      text NOT NULL,
        routed_by    text NOT NULL,
        state        text NOT NULL CHECK (state IN ('pending','notified','ready','accepted','rejected','undeliverable','recalled')),
        priority     smallint NOT NULL,
        attempt      int NOT NULL DEFAULT 1,
        -- the attempt that was last announced in the destination's stream; 0 = none yet
        announced    int NOT NULL DEFAULT 0,
        available_at timestamptz NOT NULL,
        deliver_by   timestamptz NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT now(),
        finished_at  timestamptz,
        reason_code  text,
        reason       text,
        -- the confirmation as it was first made and its receipt: the same again gives the same receipt
        confirmation jsonb,
        driven_at    timestamptz NOT NULL DEFAULT now(),
        UNIQUE (packet_id, system_id)
      );
      CREATE INDEX deliveries_waiting ON deliveries (system_id, priority DESC, id) WHERE state IN ('pending','notified','ready');
      CREATE INDEX deliveries_due ON deliveries (deliver_by) WHERE state IN ('pending','notified','ready');
      CREATE INDEX deliveries_to_announce ON deliveries (available_at) WHERE announced < attempt AND state = 'pending';
      CREATE INDEX deliveries_of_packet_open ON deliveries (packet_id) WHERE state IN ('pending','notified','ready');

      CREATE TABLE statuses (
        id          uuid PRIMARY KEY,
        packet_id   uuid NOT NULL,
        delivery_id uuid NOT NULL REFERENCES deliveries (id),
        code        text NOT NULL,
        description text,
        at          timestamptz NOT NULL
      );
      CREATE INDEX statuses_of_packet ON statuses (packet_id);

      CREATE TABLE timeline (
        seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        packet_id   uuid NOT NULL,
        delivery_id uuid,
        at          timestamptz NOT NULL DEFAULT clock_timestamp(),
        event       text NOT NULL,
        detail      jsonb
      );
      CREATE INDEX timeline_of_packet ON timeline (packet_id, seq);

      CREATE TABLE receipts (
        jti         uuid PRIMARY KEY,
        packet_id   uuid NOT NULL REFERENCES packets (id),
        delivery_id uuid,
        seq         bigint GENERATED ALWAYS AS IDENTITY,
        event       text NOT NULL,
        at          timestamptz NOT NULL,
        jws         text NOT NULL
      );
      CREATE INDEX receipts_of_packet ON receipts (packet_id, seq);

      CREATE TABLE streams (
        system_id    text PRIMARY KEY,
        last_offset  bigint NOT NULL DEFAULT 0,
        acked_offset bigint NOT NULL DEFAULT 0,
        -- what was kept longest and is gone: from <= forgotten is a gap
        forgotten    bigint NOT NULL DEFAULT 0,
        polled_at    timestamptz
      );
      CREATE TABLE events (
        seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        system_id   text NOT NULL,
        "offset"    bigint,
        id          uuid NOT NULL,
        type        text NOT NULL,
        packet_id   uuid,
        delivery_id uuid,
        at          timestamptz NOT NULL DEFAULT clock_timestamp(),
        data        jsonb NOT NULL
      );
      CREATE UNIQUE INDEX events_of_stream ON events (system_id, "offset") WHERE "offset" IS NOT NULL;
      CREATE INDEX events_to_number ON events (seq) WHERE "offset" IS NULL;
      CREATE INDEX events_to_forget ON events (at);

      CREATE TABLE connections (
        id        uuid PRIMARY KEY,
        system_id text NOT NULL,
        instance  text NOT NULL,
        address   text,
        opened_at timestamptz NOT NULL DEFAULT now(),
        seen_at   timestamptz NOT NULL DEFAULT now(),
        closed_at timestamptz
      );
      CREATE INDEX connections_open ON connections (system_id) WHERE closed_at IS NULL;

      CREATE TABLE outbox (
        id           uuid PRIMARY KEY,
        kind         text NOT NULL,
        packet_id    uuid NOT NULL,
        priority     smallint NOT NULL,
        attempt      int NOT NULL,
        available_at timestamptz NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT now()
      ) WITH (autovacuum_vacuum_scale_factor = 0.01);
      CREATE INDEX outbox_due ON outbox (available_at);
      CREATE TABLE dead_tasks (
        id        uuid PRIMARY KEY,
        kind      text NOT NULL,
        packet_id uuid NOT NULL,
        attempt   int NOT NULL,
        reason    text NOT NULL,
        at        timestamptz NOT NULL DEFAULT now()
      );

      -- finished packets per source and state, appended with the final state and summed up by a timer: the counts of a session without counting packets
      CREATE TABLE finished_packets (
        seq    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source text NOT NULL,
        state  text NOT NULL,
        n      bigint NOT NULL DEFAULT 1
      );
      CREATE INDEX finished_packets_of_source ON finished_packets (source, state);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE finished_packets, dead_tasks, outbox, connections, events, streams, receipts, timeline, statuses, deliveries, parts, packets',
    );
  }
}
