import type { SignatureAlgorithm } from '@lienthong/contracts';
import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { SystemEntity } from './system.entity';

const NOT_WARNED = 400;

@Entity('keys')
@Index('keys_of_system', ['systemId', 'createdAt'])
@Index('keys_to_warn', ['expiresAt'], { where: 'expires_at IS NOT NULL AND revoked_at IS NULL AND warned_days > 1' })
@Index('keys_legacy', ['legacyUntil'], { where: 'legacy_until IS NOT NULL' })
@Check('a_secret_or_a_public_key', '(sealed_secret IS NULL) <> (public_key_pem IS NULL)')
export class KeyEntity {
  @PrimaryColumn('text', { name: 'access_key' })
  accessKey!: string;

  /** Null: an administrator's key, which belongs to no system. */
  @Column('text', { name: 'system_id', nullable: true })
  @ForeignKey(() => SystemEntity, { name: 'keys_system' })
  systemId!: string | null;

  @Column('text', { array: true })
  algorithms!: SignatureAlgorithm[];

  /** Opaque here: sealed under the master key, which only auth holds. Null for a key pair. */
  @Column('bytea', { name: 'sealed_secret', nullable: true })
  sealedSecret!: Buffer | null;

  @Column('text', { name: 'public_key_pem', nullable: true })
  publicKeyPem!: string | null;

  @Column('boolean', { default: false })
  bearer!: boolean;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;

  @Column('timestamptz', { name: 'last_used_at', nullable: true })
  lastUsedAt!: Date | null;

  /** With hmac-sha1: until when it is taken. */
  @Column('timestamptz', { name: 'legacy_until', nullable: true })
  legacyUntil!: Date | null;

  /** The key that was issued in place of this one. */
  @Column('text', { name: 'replaced_by', nullable: true })
  @ForeignKey(() => KeyEntity, { name: 'keys_replaced_by' })
  replacedBy!: string | null;

  /** The warning of its end that was given last, in days before it; more than a year: none. */
  @Column('smallint', { name: 'warned_days', default: NOT_WARNED })
  warnedDays!: number;
}
