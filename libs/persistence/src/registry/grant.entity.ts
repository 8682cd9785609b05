import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';

/** Who may send which data types to whom. `source` and `target`: an agency's code (covers its systems), a system id, or `*`. */
@Entity('grants')
@Index('grants_of_source', ['source', 'target'])
export class GrantEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  source!: string;

  @Column('text')
  target!: string;

  /** `*`: every data type. */
  @Column('text', { name: 'data_types', array: true })
  dataTypes!: string[];

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;
}
