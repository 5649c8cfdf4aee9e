import { CasehardError, VERDICT_KINDS } from '@casehard/core';
import type { LoadedProject } from '../../config/load.ts';
import { findStateKey } from '../../config/state-key-file.ts';
import type { Database } from '../../database/connect.ts';
import { readTrackingCanaries } from '../../database/evidence.ts';
import { withSession } from '../../database/session.ts';
import { checkKeys } from '../../inventory/belonging.ts';
import { trackingProblems } from '../../inventory/driver.ts';
import { isQuarantinedKind, needsOf } from '../../inventory/needs.ts';
import { type FieldStatus, readStatus, type Status } from '../../inventory/status.ts';
import { notHardened } from '../../inventory/tally.ts';
import { type Pending, pendingUpgrade } from '../../jobs/pending.ts';
import { keysToProve, provenBackups } from '../../keys/backups.ts';
import { EXIT } from '../exit.ts';
import type { AddCommand } from '../main.ts';
import { collect, texts } from '../options.ts';
import type { Output } from '../output.ts';
import { withProject } from '../project.ts';
import { plural, table } from '../table.ts';

/** `casehard status`: what the table holds, by verdict. Reads only. */
export const status: AddCommand = (program, action) => {
  const command = program
    .command('status')
    .description('count every credential by verdict; reads only')
    .option('--deep', 'open every value, and list each that needs a look by its locator')
    .option('--check', 'exit 3 while any value is neither current nor empty')
    .option('--field <name>', 'only this field (may be repeated)', collect);
  action(command, async (invocation, options) => {
    const { output, signal } = invocation;
    return withProject(invocation, async (project, db) => {
      const only = texts(options.field);
      let rows = 0;
      let found = await readStatus(db, project.hard, {
        keyring: project.keyring,
        deep: options.deep === true,
        signal,
        ...(only ? { only } : {}),
        onPage: (field, count) => {
          rows += count;
          output.progress(`${field}: ${rows} rows read`);
        },
      });
      output.progress(undefined);
      const pending = await pendingUpgrade(db, found.resolved.fields);
      const { keyring, tracking } = project;
      const wrongKeys = await keyProblem(db, found, { keyring, tracking, hasOwnTables: !pending.ownTables });
      const links = pending.ownTables ? [] : trackingProblems(await readTrackingCanaries(db), tracking);
      const problems = [...(wrongKeys ? [wrongKeys] : []), ...withdrawnInUse(found), ...links, ...found.problems];
      found = { ...found, problems };
      const failed = found.problems.length > 0;
      const remains = options.check === true && found.notHardened > 0;
      const exit = failed ? EXIT.failed : remains ? EXIT.workRemains : EXIT.done;
      const backup = await lastDrill(db, project, { env: invocation.env, fields: found.fields });
      print(output, found, { pending, setting: project.keyring.setting, ...backup });
      output.result({
        ok: !failed,
        exit,
        ...toJson(found, pending),
        backup: backup.backup ?? null,
        unproven: backup.unproven,
      });
      return exit;
    });
  });
};

// --- internal ---

/** Values that are refused because their key is withdrawn. */
function withdrawnInUse({ keys, fields }: Status): readonly CasehardError[] {
  return keys.flatMap(({ kid, state }) => {
    const values = fields.reduce((sum, { tally }) => sum + (tally.kids[kid] ?? 0), 0);
    if (state !== 'withdrawn' || values === 0) return [];
    return [
      new CasehardError(
        'KEY_WITHDRAWN',
        `${plural(values, 'value is', 'values are')} under the withdrawn key ${kid}, and refused`,
        {
          kid,
          hint: 'take it out of CASEHARD_WITHDRAWN_KIDS, list the key as a previous one and reseal with `casehard harden`; or set the values anew',
        },
      ),
    ];
  });
}

/** Keys that do not fit this database: why mail, bounces and sign-ins all stopped at once. */
async function keyProblem(
  db: Database,
  { resolved }: Status,
  options: Parameters<typeof checkKeys>[2],
): Promise<CasehardError | undefined> {
  try {
    await withSession(db, (session) => checkKeys(session, resolved.fields, options));
    return undefined;
  } catch (error) {
    if (error instanceof CasehardError) return error;
    throw error;
  }
}

/** The last drill of the active key, and what else is needed and not proven. */
async function lastDrill(
  db: Database,
  { keyring, tracking, folder }: LoadedProject,
  {
    env,
    fields,
  }: { readonly env: Readonly<Record<string, string | undefined>>; readonly fields: readonly FieldStatus[] },
): Promise<{ readonly backup: ActiveBackup | undefined; readonly unproven: readonly string[] }> {
  const values = new Map<string, number>();
  for (const { tally } of fields) {
    for (const [kid, rows] of Object.entries(tally.kids)) values.set(kid, (values.get(kid) ?? 0) + rows);
  }
  const needed = keysToProve(keyring, tracking, values);
  const { proven, unproven } = await provenBackups(db, findStateKey({ folder, env }), needed);
  const kid = keyring.active?.kid;
  if (kid === undefined) return { backup: undefined, unproven };
  const drill = proven.get(kid);
  return {
    backup: drill
      ? { kid, proven: true, at: new Date(drill.at).toISOString(), file: drill.file }
      : { kid, proven: false },
    unproven,
  };
}

type ActiveBackup =
  | { readonly kid: string; readonly proven: false }
  | { readonly kid: string; readonly proven: true; readonly at: string; readonly file: string };

interface Beside {
  readonly pending: Pending;
  readonly setting: string;
  readonly backup: ActiveBackup | undefined;
  readonly unproven: readonly string[];
}

function print(output: Output, found: Status, { pending, setting, backup, unproven }: Beside): void {
  output.line(`database  ${found.database}`);
  const keys = found.keys.map(({ kid, state }) => `${kid} (${state})`).join(', ');
  const missing = found.problems.some(({ code }) => code === 'KEY_MISSING');
  const none = `${setting} not configured${missing ? '' : ': credentials stay in the existing scheme'}`;
  output.line(`keys      ${keys || none}`);
  if (backup) output.line(`backup    ${backupOf(backup)}`);
  for (const kid of unproven)
    if (kid !== backup?.kid)
      output.line(`backup    no proven backup of ${kid.length === 4 ? 'tracking key' : 'key'} ${kid}`);
  for (const message of pending.messages) output.line(`upgrade   pending: ${message}`);
  output.line();
  const shown = VERDICT_KINDS.filter((kind) => kind !== 'stale' || found.keys.length > 0 || anyStale(found));
  for (const line of table(
    ['field', 'rows', ...shown, 'kids', 'width', 'accepts'],
    found.fields.map((field) => [
      field.name,
      field.tally.rows,
      ...shown.map((kind) => field.tally.verdicts[kind]),
      kidsOf(field),
      widthOf(field, pending),
      field.accepts,
    ]),
  )) {
    output.line(line);
  }
  for (const problem of found.problems) {
    output.line();
    output.line(`problem   ${problem.message} [${problem.code}]${problem.hint ? `\n          ${problem.hint}` : ''}`);
  }
  if (found.listed.length > 0) {
    output.line();
    for (const line of table(
      ['locator', 'verdict', 'what can be done'],
      found.listed.map(({ locator, verdict, kind, from }) => [
        locator,
        from === undefined ? verdict : `${verdict}, comes from ${from}`,
        needsOf(kind, verdict),
      ]),
    )) {
      output.line(line);
    }
  }
  output.line();
  const quarantined = found.fields.reduce(
    (sum, { tally }) =>
      sum + VERDICT_KINDS.filter(isQuarantinedKind).reduce((part, kind) => part + tally.verdicts[kind], 0),
    0,
  );
  output.line(
    found.notHardened === 0
      ? `All credentials are hardened${found.deep ? '' : ', as far as their first characters tell'}.`
      : `${plural(found.notHardened, 'credential is', 'credentials are')} not hardened${quarantined > 0 ? `, ${quarantined} of them quarantined` : ''}.`,
  );
  if (!found.deep) output.line('Counted by prefix; `status --deep` opens every value.');
}

function backupOf(backup: ActiveBackup): string {
  return backup.proven
    ? `${backup.kid} proven by a drill of ${backup.file} on ${backup.at.slice(0, 10)}`
    : 'no proven backup: casehard keys backup, then casehard keys drill';
}

function anyStale(found: Status): boolean {
  return found.fields.some(({ tally }) => tally.verdicts.stale > 0);
}

function kidsOf({ tally }: FieldStatus): string {
  return (
    Object.entries(tally.kids)
      .map(([kid, rows]) => `${kid} ${rows}`)
      .join(', ') || '-'
  );
}

function widthOf({ name }: FieldStatus, { widths }: Pending): string {
  const width = widths.get(name);
  if (!width) return 'no limit';
  return width.needed > width.declared ? `${width.declared}, needs ${width.needed}` : String(width.declared);
}

function toJson(found: Status, pending: Pending): Record<string, unknown> {
  return {
    database: found.database,
    keys: found.keys,
    deep: found.deep,
    notHardened: found.notHardened,
    upgradePending: pending.messages,
    fields: found.fields.map((field) => ({
      name: field.name,
      rows: field.tally.rows,
      verdicts: field.tally.verdicts,
      nested: field.tally.nested,
      kids: field.tally.kids,
      width: pending.widths.get(field.name) ?? null,
      accepts: field.accepts,
      notHardened: notHardened(field.tally),
    })),
    listed: found.listed,
    problems: found.problems.map(({ code, message, hint }) => ({ code, message, hint })),
  };
}
