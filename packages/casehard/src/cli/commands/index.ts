import type { AddCommand } from '../main.ts';
import { consoleCommand } from './console.ts';
import { harden } from './harden.ts';
import { init } from './init.ts';
import { keysGenerate } from './keys-generate.ts';
import { linksCheck } from './links-check.ts';
import { linksInspect } from './links-inspect.ts';
import { linksMint } from './links-mint.ts';
import { sample } from './sample.ts';
import { set } from './set.ts';
import { soften } from './soften.ts';
import { status } from './status.ts';
import { upgrade } from './upgrade.ts';

/** All commands, in the order of the help. */
export const COMMANDS: readonly AddCommand[] = [
  init,
  keysGenerate,
  status,
  upgrade,
  harden,
  soften,
  set,
  linksMint,
  linksInspect,
  linksCheck,
  consoleCommand,
  sample,
];
