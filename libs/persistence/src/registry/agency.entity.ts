import type { Contact } from '@lienthong/contracts';
import { Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Entity('agencies')
@Index('agencies_search', { synchronize: false })
@Index('agencies_of_parent', ['parentCode'])
export class AgencyEntity {
  @PrimaryColumn('text')
  code!: string;

  @Column('text')
  name!: string;

  @Column('text', { name: 'parent_code', nullable: true })
  @ForeignKey(() => AgencyEntity, { name: 'agencies_parent' })
  parentCode!: string | null;

  @Column('text', { array: true, default: [] })
  aliases!: string[];

  @Column('jsonb', { nullable: true })
  contact!: Contact | null;

  @Column('text', { name: 'successor_code', nullable: true })
  @ForeignKey(() => AgencyEntity, { name: 'agencies_successor' })
  successorCode!: string | null;

  @Column('timestamptz', { name: 'dissolved_at', nullable: true })
  dissolvedAt!: Date | null;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;

  /** Code, aliases and name without case and accents: what the directory searches. */
  @Column('text')
  search!: string;
}

/** Every form of an agency's code, its own and its aliases, once: the primary key refuses an alias that is another agency's code. */
@Entity('agency_codes')
@Index('codes_of_agency', ['agencyCode'])
export class AgencyCodeEntity {
  @PrimaryColumn('text')
  form!: string;

  @Column('text', { name: 'agency_code' })
  @ForeignKey(() => AgencyEntity, { name: 'agency_codes_agency' })
  agencyCode!: string;
}
