import { AgencyCodeEntity, AgencyEntity } from './agency.entity';
import { GrantEntity } from './grant.entity';
import { KeyEntity } from './key.entity';
import { SystemEntity } from './system.entity';

/** Registry tables that the ORM reads and writes as entities; the exchange's tables are written by the statements of their stores. */
export const ENTITIES = [AgencyEntity, AgencyCodeEntity, SystemEntity, KeyEntity, GrantEntity];
