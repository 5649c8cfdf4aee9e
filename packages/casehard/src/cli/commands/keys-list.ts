import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadStateKey } from '../../config/state-key-file.ts';
import { type ListedKey, listKeys } from '../../keys/list.ts';
import { EXIT } from '../exit.ts';
import { keysGroup } from '../group.ts';
import type { AddCommand, Invocation } from '../main.ts';
import { positive } from '../options.ts';
import { withProject } from '../project.ts';
import { plural, table } from '../table.ts';

/** `casehard keys list`: every key by its id: where it stands, who has it, what is under it. Reads only. */
export const keysList: AddCommand = (program, action) => {
  const command = keysGroup(program)
    .command('list')
    .description('list the keys by their ids: state, processes, values, last uses, proven backups; reads only')
    .option('--heartbeat <ms>', 'how often the processes report, if not every 30000 ms', positive);
  action(command, (invocation, options) =>
    withProject(invocation, async (project, db) => {
      const { output, signal } = invocation;
      const stateKey = stateKeyIfThere(invocation, project.folder);
      const { keys, processes } = await listKeys(project, db, {
        signal,
        ...(stateKey ? { stateKey } : {}),
        ...(typeof options.heartbeat === 'number' ? { heartbeat: options.heartbeat } : {}),
      });
      if (keys.length === 0) output.line('No key is configured, and the database knows none.');
      else {
        for (const line of table(HEAD, keys.map(rowOf))) output.line(line);
        output.line();
        for (const key of keys.filter(({ fields }) => fields.length > 0)) {
          output.line(`${key.kid}  ${key.fields.map(({ field, values }) => `${field} ${values}`).join(', ')}`);
        }
      }
      output.line(`${plural(processes, 'live process is', 'live processes are')} attached.`);
      output.result({ ok: true, exit: EXIT.done, processes, keys: keys.map(toJson) });
      return EXIT.done;
    }),
  );
};

// --- internal ---

const HEAD = [
  'key',
  'kind',
  'here',
  'active in',
  'opens in',
  'values',
  'first use',
  'last sealed',
  'last opened',
  'proven',
];
const KINDS = { enc: 'sealing', trk: 'tracking' } as const;

/** Without one there are no drills to believe. Reading makes none. */
function stateKeyIfThere({ env }: Invocation, folder: string): ReturnType<typeof loadStateKey>['key'] | undefined {
  const given = env.CASEHARD_STATE_KEY ?? env.CASEHARD_STATE_KEY_FILE;
  return given || existsSync(join(folder, 'casehard.state-key')) ? loadStateKey({ folder, env }).key : undefined;
}

function rowOf(key: ListedKey): readonly (string | number)[] {
  return [
    key.kid,
    KINDS[key.kind],
    key.state ?? 'not configured',
    key.active,
    key.able,
    key.kind === 'enc' ? key.values : '-',
    key.firstUse ?? '-',
    timeOf(key.sealedAt),
    timeOf(key.openedAt),
    timeOf(key.proven?.at),
  ];
}

function toJson({ proven, ...key }: ListedKey): Record<string, unknown> {
  return {
    ...key,
    state: key.state ?? null,
    firstUse: key.firstUse ?? null,
    sealedAt: key.sealedAt ?? null,
    openedAt: key.openedAt ?? null,
    proven: proven ? { at: proven.at, file: proven.file, opened: proven.opened } : null,
  };
}

function timeOf(ms: number | undefined): string {
  return ms === undefined ? '-' : new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
