import { generateKey } from '@casehard/core';
import { InvalidArgumentError } from 'commander';
import { EXIT } from '../exit.ts';
import { keysGroup } from '../group.ts';
import type { AddCommand } from '../main.ts';

type Form = 'env' | 'php' | 'json';

/** `casehard keys generate`: both keys to stdout, ready to paste; what to do next to stderr. */
export const keysGenerate: AddCommand = (program, action) => {
  const command = keysGroup(program)
    .command('generate')
    .description('make a sealing key and a tracking key, ready to paste; nothing is stored')
    .option('--as <form>', 'env, php or json (default: env)', parseForm);
  action(command, async ({ output }, options) => {
    const form = (options.as as Form | undefined) ?? (output.json ? 'json' : 'env');
    const sealing = generateKey('enc');
    const tracking = generateKey('trk');
    // The keys go to stdout whatever the other options say: they exist nowhere else.
    process.stdout.write(PRINT[form](sealing, tracking));
    output.note(NEXT[form]);
    return EXIT.done;
  });
};

// --- internal ---

function parseForm(text: string): Form {
  if (text === 'env' || text === 'php' || text === 'json') return text;
  throw new InvalidArgumentError('must be env, php or json.');
}

const PRINT: Readonly<Record<Form, (sealing: string, tracking: string) => string>> = {
  env: (sealing, tracking) => `CASEHARD_ENC_KEY=${sealing}\nCASEHARD_TRACKING_KEY=${tracking}\n`,
  php: (sealing, tracking) =>
    `define('SENDSTUDIO_ENC_KEY', '${sealing}');\ndefine('SENDSTUDIO_TRACKING_KEY', '${tracking}');\n`,
  json: (sealing, tracking) =>
    `${JSON.stringify({ CASEHARD_ENC_KEY: sealing, CASEHARD_TRACKING_KEY: tracking }, null, 2)}\n`,
};

const COMMON = `Next:
  1. keep a copy of both lines outside this machine: without the sealing key the sealed credentials are lost
  2. paste them where every process of the application reads its settings`;

const NEXT: Readonly<Record<Form, string>> = {
  env: `${COMMON} (the environment, or .env beside casehard.config.ts)\n  3. casehard upgrade, then casehard harden`,
  php: `${COMMON} (config.php; name it in casehard.config.ts: keys: { php: './config.php' })\n  3. casehard upgrade, then casehard harden`,
  json: `${COMMON}\n  3. casehard upgrade, then casehard harden`,
};
