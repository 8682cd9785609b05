import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The audit log, which a packet's timeline becomes a part of (reliability 4). Who connects as the application may add and read, nothing else: rights are
 * given by `grantApplication`, the triggers are the second line for where the application owns its tables.
 */
export class Audit1700000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const [{ schema }] = (await runner.query('SELECT quote_ident(current_schema()) AS schema')) as { schema: string }[];
    await runner.query(`
      -- UUID version 7 for rows that a statement makes; processes make their own
      CREATE FUNCTION audit_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
        SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
          substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid $$;

      CREATE TABLE audit_entries (
        id          uuid NOT NULL DEFAULT audit_id(),
        at          timestamptz NOT NULL DEFAULT clock_timestamp(),
        -- order of sealing: what committed later never comes before what is sealed. The era grows when a dump is restored into a cluster that counts anew
        era         smallint NOT NULL DEFAULT 0,
        xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
        actor       text NOT NULL,
        system_id   text,
        action      text NOT NULL,
        packet_id   uuid,
        delivery_id uuid,
        subject     text,
        detail      jsonb,
        PRIMARY KEY (era, xid, id, at)
      ) PARTITION BY RANGE (at);
      CREATE INDEX audit_entries_of_packet ON audit_entries (packet_id, at) WHERE packet_id IS NOT NULL;
      CREATE INDEX audit_entries_by_time ON audit_entries USING brin (at);
      CREATE TABLE audit_entries_default PARTITION OF audit_entries DEFAULT;

      -- leaves stay when entries are forgotten: 32 bytes that tell nothing, without which no later entry could be verified
      CREATE TABLE audit_leaves (
        seq      bigint PRIMARY KEY,
        entry_id uuid NOT NULL,
        entry_at timestamptz NOT NULL,
        era      smallint NOT NULL,
        xid      xid8 NOT NULL,
        hash     bytea NOT NULL CHECK (length(hash) = 32)
      );
      CREATE INDEX audit_leaves_of_entry ON audit_leaves (entry_id);
      CREATE INDEX audit_leaves_by_time ON audit_leaves USING brin (entry_at);

      CREATE TABLE audit_checkpoints (
        size     bigint PRIMARY KEY,
        at       timestamptz NOT NULL,
        jws      text NOT NULL,
        -- roots of the full subtrees, one after the other: what the next sealing goes on from, checked against the signed root
        frontier bytea NOT NULL
      );
      CREATE TABLE audit_tombstones (
        name text PRIMARY KEY,
        at   timestamptz NOT NULL DEFAULT now(),
        jws  text NOT NULL
      );

      CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = 'insufficient_privilege'; END $$;
      CREATE TRIGGER audit_only_added BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_refuse();
      CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit_entries EXECUTE FUNCTION audit_refuse();
      CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit_entries_default EXECUTE FUNCTION audit_refuse();
      CREATE TRIGGER audit_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_leaves EXECUTE FUNCTION audit_refuse();
      CREATE TRIGGER audit_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints EXECUTE FUNCTION audit_refuse();
      CREATE TRIGGER audit_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_tombstones EXECUTE FUNCTION audit_refuse();

      -- the two things that the application has done for it by the owner; both refuse what would do harm
      CREATE FUNCTION audit_make_partitions(ahead int) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = ${schema}, pg_temp SET timezone = 'UTC' AS $$
        DECLARE month timestamptz; name text;
        BEGIN
          PERFORM pg_advisory_xact_lock(hashtext('lienthong:audit-partitions'));
          FOR n IN 0..least(ahead, 12) LOOP
            month := date_trunc('month', now()) + make_interval(months => n);
            name := 'audit_entries_' || to_char(month, 'YYYY_MM');
            CONTINUE WHEN to_regclass(name) IS NOT NULL;
            BEGIN
              EXECUTE format('CREATE TABLE %I PARTITION OF audit_entries FOR VALUES FROM (%L) TO (%L)', name, month, month + interval '1 month');
              EXECUTE format('CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON %I EXECUTE FUNCTION audit_refuse()', name);
            EXCEPTION WHEN check_violation THEN
              RAISE WARNING 'entries of % are in the default partition and stay there', name;
            END;
          END LOOP;
        END $$;

      CREATE FUNCTION audit_drop_partition(name text, tombstone text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = ${schema}, pg_temp SET timezone = 'UTC' AS $$
        BEGIN
          IF name !~ '^audit_entries_[0-9]{4}_[0-9]{2}$' OR to_regclass(name) IS NULL THEN
            RAISE EXCEPTION 'there is no partition %', name;
          END IF;
          IF to_date(right(name, 7), 'YYYY_MM') + interval '1 month' > now() - interval '730 days' THEN
            RAISE EXCEPTION 'entries are kept for 730 days at least' USING ERRCODE = 'insufficient_privilege';
          END IF;
          INSERT INTO audit_tombstones (name, jws) VALUES (name, tombstone);
          EXECUTE format('DROP TABLE %I', name);
        END $$;
    `);
    await runner.query('SELECT audit_make_partitions(2)');
    await runner.query(`
      INSERT INTO audit_entries (at, actor, action, packet_id, delivery_id, detail)
        SELECT at, 'platform', event, packet_id, delivery_id, detail - 'reason' - 'description' FROM timeline ORDER BY seq;
      DROP TABLE timeline;
    `);
  }

  async down(): Promise<void> {
    throw new Error('The audit log is not taken back.');
  }
}
