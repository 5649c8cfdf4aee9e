import type { AddCommand } from '../main.ts';
import { auditExport, auditList, auditVerify } from './audit.ts';
import { consoleCommand } from './console.ts';
import { doctor } from './doctor.ts';
import { harden } from './harden.ts';
import { init } from './init.ts';
import { keysBackup } from './keys-backup.ts';
import { keysDrill } from './keys-drill.ts';
import { keysGenerate } from './keys-generate.ts';
import { keysHunt } from './keys-hunt.ts';
import { keysList } from './keys-list.ts';
import { keysRestore } from './keys-restore.ts';
import { keysWithdraw } from './keys-withdraw.ts';
import { linksCheck } from './links-check.ts';
import { linksInspect } from './links-inspect.ts';
import { linksMint } from './links-mint.ts';
import { recoverCommand } from './recover.ts';
import { reveal } from './reveal.ts';
import { rotate } from './rotate.ts';
import { sample } from './sample.ts';
import { set } from './set.ts';
import { soften } from './soften.ts';
import { status } from './status.ts';
import { strict } from './strict.ts';
import { upgrade } from './upgrade.ts';

/** All commands, in the order of the help. */
export const COMMANDS: readonly AddCommand[] = [
  init,
  keysGenerate,
  keysBackup,
  keysDrill,
  keysRestore,
  keysHunt,
  keysList,
  keysWithdraw,
  status,
  doctor,
  upgrade,
  harden,
  soften,
  strict,
  rotate,
  set,
  recoverCommand,
  reveal,
  auditList,
  auditVerify,
  auditExport,
  linksMint,
  linksInspect,
  linksCheck,
  consoleCommand,
  sample,
];
