import type { Contact, ServiceCalendar } from '@lienthong/contracts';
import { Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { AgencyEntity } from './agency.entity';

@Entity('systems')
@Index('systems_search', { synchronize: false })
@Index('systems_of_agency', ['agencyCode'])
@Index('one_default_system', ['agencyCode'], { unique: true, where: 'is_default' })
@Index('systems_receiving', { synchronize: false })
export class SystemEntity {
  /** `<agency code>/<slug>` */
  @PrimaryColumn('text')
  id!: string;

  @Column('text', { name: 'agency_code' })
  @ForeignKey(() => AgencyEntity, { name: 'systems_agency' })
  agencyCode!: string;

  @Column('text')
  name!: string;

  /** Data types. */
  @Column('text', { array: true, default: [] })
  receives!: string[];

  @Column('boolean', { name: 'is_default', default: false })
  isDefault!: boolean;

  /** Its own, where it is not its agency's. */
  @Column('jsonb', { nullable: true })
  contact!: Contact | null;

  @Column('jsonb', { nullable: true })
  calendar!: ServiceCalendar | null;

  @Column('timestamptz', { name: 'calendar_changed_at', nullable: true })
  calendarChangedAt!: Date | null;

  @Column('timestamptz', { name: 'suspended_at', nullable: true })
  suspendedAt!: Date | null;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;

  /** Id and name without case and accents: what the directory searches. */
  @Column('text')
  search!: string;
}
