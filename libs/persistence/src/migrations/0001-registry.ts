import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Agencies, systems, keys, grants, sessions: who takes part, and what they may. */
export class Registry1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE agencies (
        code           text PRIMARY KEY,
        name           text NOT NULL,
        parent_code    text REFERENCES agencies (code),
        aliases        text[] NOT NULL DEFAULT '{}',
        contact        jsonb,
        successor_code text REFERENCES agencies (code),
        dissolved_at   timestamptz,
        created_at     timestamptz NOT NULL DEFAULT now(),
        -- lower case, without Vietnamese accents: what the directory searches
        search         text NOT NULL
      );
      CREATE TABLE agency_aliases (alias text PRIMARY KEY, code text NOT NULL REFERENCES agencies (code) ON DELETE CASCADE);
      CREATE TABLE systems (
        id           text PRIMARY KEY,
        agency_code  text NOT NULL REFERENCES agencies (code),
        name         text NOT NULL,
        receives     text[] NOT NULL DEFAULT '{}',
        is_default   boolean NOT NULL DEFAULT false,
        suspended_at timestamptz,
        created_at   timestamptz NOT NULL DEFAULT now(),
        search       text NOT NULL
      );
      CREATE INDEX systems_of_agency ON systems (agency_code);
      CREATE UNIQUE INDEX one_default_system ON systems (agency_code) WHERE is_default;
      CREATE TABLE keys (
        access_key     text PRIMARY KEY,
        -- null: an administrator's key, which belongs to no system
        system_id      text REFERENCES systems (id),
        algorithms     text[] NOT NULL,
        -- AES-256-GCM under the master key; only auth can open it
        sealed_secret  bytea,
        public_key_pem text,
        bearer         boolean NOT NULL DEFAULT false,
        created_at     timestamptz NOT NULL DEFAULT now(),
        expires_at     timestamptz,
        revoked_at     timestamptz,
        last_used_at   timestamptz
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
        expires_at  timestamptz NOT NULL
      );
      CREATE TABLE grants (
        id         uuid PRIMARY KEY,
        source     text NOT NULL,
        target     text NOT NULL,
        data_types text[] NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX grants_of_source ON grants (source);
      CREATE TABLE platform_keys (
        kid            text PRIMARY KEY,
        public_jwk     jsonb NOT NULL,
        -- AES-256-GCM under a key derived from the platform secret
        sealed_private bytea NOT NULL,
        created_at     timestamptz NOT NULL DEFAULT now(),
        retired_at     timestamptz
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE platform_keys, grants, stream_tickets, nonces, sessions, keys, systems, agency_aliases, agencies',
    );
  }
}
