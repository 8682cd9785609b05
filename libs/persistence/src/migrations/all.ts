import { Registry1700000000001 } from './0001-registry';
import { Exchange1700000000002 } from './0002-exchange';
import { KeyCare1700000000003 } from './0003-key-care';
import { Audit1700000000004 } from './0004-audit';
import { ConnectionHistory1700000000005 } from './0005-connection-history';
import { LegacySignatures1700000000006 } from './0006-legacy-signatures';
import { Evidence1700000000007 } from './0007-evidence';
import { Scheduling1700000000008 } from './0008-scheduling';
import { Conservation1700000000011 } from './0011-conservation';
import { Webhooks1700000000012 } from './0012-webhooks';
import { Ladder1700000000013 } from './0013-ladder';
import { Turns1700000000014 } from './0014-turns';
import { DeadTasksOfPacket1700000000017 } from './0017-dead-tasks-of-packet';
import { RoundKeys1700000000018 } from './0018-round-keys';

/** In order; a new one is added at the end and never changed after a release. */
export const MIGRATIONS = [
  Registry1700000000001,
  Exchange1700000000002,
  KeyCare1700000000003,
  Audit1700000000004,
  ConnectionHistory1700000000005,
  LegacySignatures1700000000006,
  Evidence1700000000007,
  Scheduling1700000000008,
  Conservation1700000000011,
  Webhooks1700000000012,
  Ladder1700000000013,
  Turns1700000000014,
  DeadTasksOfPacket1700000000017,
  RoundKeys1700000000018,
];
