import { CasehardError } from '@casehard/core';
import { type Find, hunt } from '../../keys/hunt.ts';
import { wantedKeys } from '../../keys/wanted.ts';
import { EXIT } from '../exit.ts';
import { keysGroup } from '../group.ts';
import type { AddCommand } from '../main.ts';
import { withProject } from '../project.ts';
import { plural } from '../table.ts';

/** `casehard keys hunt PATH…`: which files hold a key of this database. Never prints a key. */
export const keysHunt: AddCommand = (program, action) => {
  const command = keysGroup(program)
    .command('hunt')
    .argument('<path...>', 'files, folders and archives (zip, gz, tar) to look through')
    .description('find which files hold a key of this database: old settings, copies, archives; prints no key');
  action(command, (invocation, _options, paths) =>
    withProject(
      invocation,
      async (project, db) => {
        const { output, signal } = invocation;
        const wanted = await wantedKeys(project, db);
        if (wanted.kids.size === 0) {
          throw new CasehardError(
            'NOT_FOUND',
            'this database has no sealed value and no canary: no key belongs to it',
            {
              hint: 'check which database the configuration names',
            },
          );
        }
        output.note(`Looking for ${wanted.lookedFor.map((kid) => named(kid, wanted.values)).join(', ')}`);
        const result = await hunt(wanted, paths, {
          signal,
          onFile: (path, files) => output.progress(`${files} files  ${printable(path)}`),
          onFind: (find) => output.line(lineOf(find)),
        });
        output.progress(undefined);
        for (const { path, why } of result.skipped.slice(0, MAX_NAMED))
          output.note(`not looked into: ${printable(path)}: ${why}`);
        if (result.links > 0)
          output.note(
            `${plural(result.links, 'symbolic link')} not followed: name what they lead to, to look there too`,
          );
        if (result.unlisted > 0) output.note(`${plural(result.unlisted, 'more place')} in the same files, not listed`);
        if (result.skipped.length > MAX_NAMED)
          output.note(`and ${result.skipped.length - MAX_NAMED} more (--json lists all)`);
        const missing = wanted.lookedFor.filter((kid) => !result.found.includes(kid));
        output.line(
          `${plural(result.files, 'file')} read, ${plural(result.candidates, 'string')} tried: ${result.found.length === 0 ? 'no key of this database' : plural(result.found.length, 'key')} found${missing.length > 0 && result.found.length > 0 ? `, ${missing.join(', ')} not` : ''}.`,
        );
        if (result.found.length > 0) {
          output.note(
            'Put the key from that file into CASEHARD_ENC_KEY or CASEHARD_PREVIOUS_ENC_KEYS (tracking keys: CASEHARD_TRACKING_KEY), then: casehard status',
          );
        } else
          output.note(
            'Look through older copies: backups of the server, of its settings, of the machine of whoever set it up.',
          );
        const exit = result.found.length > 0 ? EXIT.done : EXIT.failed;
        output.result({
          ok: exit === EXIT.done,
          exit,
          lookedFor: wanted.lookedFor,
          ...result,
        });
        return exit;
      },
      { anyway: true },
    ),
  );
};

// --- internal ---

const MAX_NAMED = 20;

function named(kid: string, values: ReadonlyMap<string, number>): string {
  return kid.length === 4 ? `${kid} (tracking)` : `${kid} (${plural(values.get(kid) ?? 0, 'value')})`;
}

function lineOf(find: Find): string {
  const place = `${find.file}${find.member === undefined ? '' : `!${find.member}`}:${find.line}`;
  const canary = `opens canary: ${find.opens === 'canary' ? 'yes' : 'no'}`;
  const more = [
    ...(find.opens === 'value' ? ['opens values'] : []),
    ...(find.opens === 'nothing' ? ['OPENS NOTHING: another key of the same id'] : []),
    ...(find.misspelled ? ['the key id in its text is wrong: paste only the last part'] : []),
    ...(find.configured ? ['configured here'] : []),
  ];
  const under = find.kind === 'tracking' ? 'tracking key' : plural(find.values, 'value');
  return [`${printable(place)}  ${find.kid}`, canary, under, ...more].join('  ');
}

/** A name inside an archive is somebody else's: it may not draw on the terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}
