import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Agencies, systems, keys, grants, sessions: who takes part, and what they may. */
export class Registry1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE agencies (
        code           text PRIMARY KEY,
        name           text NOT NULL,
        parent_code    text CONSTRAINT agencies_parent REFERENCES agencies (code),
        aliases        text[] NOT NULL DEFAULT '{}',
        contact        jsonb,
        successor_code text CONSTRAINT agencies_successor REFERENCES agencies (code),
        dissolved_at   timestamptz,
        created_at     timestamptz NOT NULL DEFAULT now(),
        -- lower case, without Vietnamese accents: what the directory searches
        search         text NOT NULL
      );
      CREATE INDEX agencies_of_parent ON agencies (parent_code);
      -- every form of a code, an agency's own and its aliases, once
      CREATE TABLE agency_codes (
        form        text PRIMARY KEY,
        agency_code text NOT NULL CONSTRAINT agency_codes_agency REFERENCES agencies (code)
      );
      CREATE INDEX codes_of_agency ON agency_codes (agency_code);
      CREATE TABLE systems (
        id           text PRIMARY KEY,
        agency_code  text NOT NULL CONSTRAINT systems_agency REFERENCES agencies (code),
        name         text NOT NULL,
        receives     text[] NOT NULL DEFAULT '{}',
        is_default   boolean NOT NULL DEFAULT false,
        suspended_at timestamptz,
        created_at   timestamptz NOT NULL DEFAULT now(),
        search       text NOT NULL
      );
      CREATE INDEX systems_of_agency ON systems (agency_code);
      CREATE UNIQUE INDEX one_default_system ON systems (agency_code) WHERE is_default;
      CREATE INDEX systems_receiving ON systems USING gin (receives);
      CREATE TABLE keys (
        access_key     text PRIMARY KEY,
        -- null: an administrator's key, which belongs to no system
        system_id      text CONSTRAINT keys_system REFERENCES systems (id),
        algorithms     text[] NOT NULL,
        -- AES-256-GCM under the master key; only auth can open it
        sealed_secret  bytea,
        public_key_pem text,
        bearer         boolean NOT NULL DEFAULT false,
        created_at     timestamptz NOT NULL DEFAULT now(),
        expires_at     timestamptz,
        revoked_at     timestamptz,
        last_used_at   timestamptz,
        CONSTRAINT a_secret_or_a_public_key CHECK ((sealed_secret IS NULL) <> (public_key_pem IS NULL))
      );
      CREATE INDEX keys_of_system ON keys (system_id, created_at);
      CREATE TABLE sessions (
        id         uuid PRIMARY KEY,
        access_key text NOT NULL REFERENCES keys (access_key),
        system_id  text,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        ended_at   timestamptz
      );
      CREATE INDEX sessions_to_forget ON sessions (expires_at);
      CREATE TABLE nonces (
        key_id     text NOT NULL,
        nonce      text NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (key_id, nonce)
      );
      CREATE INDEX nonces_to_forget ON nonces (expires_at);
      CREATE TABLE stream_tickets (
        ticket_hash bytea PRIMARY KEY,
        system_id   text NOT NULL,
        access_key  text NOT NULL,
        session_id  uuid,
        expires_at  timestamptz NOT NULL
      );
      CREATE INDEX stream_tickets_to_forget ON stream_tickets (expires_at);
      CREATE TABLE grants (
        id         uuid PRIMARY KEY,
        source     text NOT NULL,
        target     text NOT NULL,
        data_types text[] NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX grants_of_source ON grants (source, target);
      CREATE TABLE platform_keys (
        kid            text PRIMARY KEY,
        public_jwk     jsonb NOT NULL,
        -- AES-256-GCM under a key derived from the platform secret
        sealed_private bytea NOT NULL,
        created_at     timestamptz NOT NULL DEFAULT now(),
        retired_at     timestamptz
      );
    `);
    await indexSearch(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE platform_keys, grants, stream_tickets, nonces, sessions, keys, systems, agency_codes, agencies',
    );
  }
}

/**
 * Trigram indexes for the directory. pg_trgm is a trusted extension (PostgreSQL 13): whoever may CREATE in the database may create it. Where it
 * may not be had, the search is the same, by a scan. The extension may stand in any schema, hence its name is looked up. The lock: CREATE
 * EXTENSION IF NOT EXISTS is not safe against itself.
 */
async function indexSearch(runner: QueryRunner): Promise<void> {
  await runner.query(`
    DO $$
    DECLARE home text;
    BEGIN
      PERFORM pg_advisory_xact_lock(hashtext('lienthong:pg_trgm'));
      BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
      EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR invalid_schema_name THEN
        RAISE NOTICE 'pg_trgm cannot be created here (%): the directory is searched by a scan', SQLERRM;
      END;
      SELECT n.nspname INTO home FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
      IF home IS NOT NULL THEN
        EXECUTE format('CREATE INDEX agencies_search ON agencies USING gin (search %I.gin_trgm_ops)', home);
        EXECUTE format('CREATE INDEX systems_search ON systems USING gin (search %I.gin_trgm_ops)', home);
      END IF;
    END $$;
  `);
}
