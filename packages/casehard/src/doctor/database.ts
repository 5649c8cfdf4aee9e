import type { ResolvedField } from '../inventory/resolve.ts';
import type { Facts } from './facts.ts';
import { count, type Finding, settle, type Trouble } from './finding.ts';
import { checkWidths } from './widths.ts';

/** What the database is set to, and what stands between a field and a sealed value. */
export function checkDatabase(facts: Facts): readonly Finding[] {
  return [
    ...looked(facts),
    ...writable(facts),
    ...fieldsFound(facts),
    ...ownTables(facts),
    ...nothingInTheWay(facts),
    ...checkWidths(facts),
    ...noCopies(facts),
    ...transactional(facts),
    ...strictMode(facts),
    ...statementLogs(facts),
  ];
}

/** The only finding about a database that does not answer. */
export function databaseAway({ away }: Facts): readonly Finding[] {
  if (!away) return [];
  const trouble: Trouble = {
    code: 'DATABASE_AWAY',
    verdict: 'failed',
    evidence: away.message,
    cause: 'the database cannot be reached, so only the configuration was looked at',
    fix: away.hint ?? 'correct `database` in the configuration, or start the server',
  };
  return settle('database', [trouble], undefined);
}

// --- internal ---

function looked({ notLookedAt }: Facts): readonly Finding[] {
  const troubles = notLookedAt.map(
    ({ what, error }): Trouble => ({
      code: error.code === 'ROWS_HIDDEN' ? 'ROWS_HIDDEN' : 'NOT_LOOKED_AT',
      verdict: 'warning',
      evidence: `${what}: ${error.message}`,
      cause: 'this part could not be read, and nothing is known of it',
      fix: error.hint ?? 'connect as a user who may read it',
    }),
  );
  return settle('database', troubles, undefined);
}

function writable({ server }: Facts): readonly Finding[] {
  if (!server) return [];
  const troubles: Trouble[] =
    server.readOnly === undefined
      ? []
      : [
          {
            code: 'READ_ONLY_DATABASE',
            verdict: 'notice',
            evidence: server.readOnly,
            cause: 'nothing can be hardened or upgraded over this connection, and what it shows may lag behind',
            fix: 'let `database` in the configuration name the primary server',
          },
        ];
  return settle('database', troubles, { code: 'DATABASE_WRITABLE', evidence: 'it is not set to read-only' });
}

function fieldsFound({ resolved }: Facts): readonly Finding[] {
  if (!resolved) return [];
  const troubles = resolved.problems.map(
    (problem): Trouble => ({
      code: 'FIELD_UNUSABLE',
      verdict: 'failed',
      evidence: problem.message,
      cause: 'the configuration and the schema do not fit: no value of this field is hardened, and none was looked at',
      fix: problem.hint ?? 'correct the field in the configuration',
      ...(problem.field === undefined ? {} : { field: problem.field }),
    }),
  );
  return settle('database', troubles, {
    code: 'FIELDS_FOUND',
    evidence: `${count(resolved.fields.length, 'field')} in the schema as configured`,
  });
}

function ownTables({ plan }: Facts): readonly Finding[] {
  if (!plan) return [];
  const missing = plan.steps.filter(({ id }) => id.startsWith('create casehard_')).map(({ table }) => table);
  const troubles: Trouble[] =
    missing.length === 0
      ? []
      : [
          {
            code: 'UPGRADE_PENDING',
            verdict: 'warning',
            evidence: `missing: ${missing.join(', ')}`,
            cause: 'the upgrade has not run since casehard was installed or updated',
            fix: 'run `casehard upgrade`; it needs no key',
          },
        ];
  return settle('database', troubles, { code: 'TABLES_MADE', evidence: 'all tables of casehard are there' });
}

function nothingInTheWay({ plan }: Facts): readonly Finding[] {
  if (!plan) return [];
  const troubles = plan.problems.map(
    ({ field, code, message, hint }): Trouble => ({
      code: 'UPGRADE_BLOCKED',
      verdict: 'warning',
      evidence: `${message} [${code}]`,
      cause: 'the upgrade cannot make room for sealed values here before a person has decided',
      fix: hint,
      ...(field === undefined ? {} : { field }),
    }),
  );
  return settle('database', troubles, {
    code: 'NOTHING_IN_THE_WAY',
    evidence: 'no index, view, constraint or type stands against sealed values',
  });
}

function noCopies({ resolved }: Facts): readonly Finding[] {
  if (!resolved) return [];
  const troubles = perTable(resolved.fields, (fields, { table }): Trouble[] => {
    const copies = [...table.triggers, ...(table.systemVersioned ? ['system versioning'] : [])];
    if (copies.length === 0) return [];
    return [
      {
        code: 'TABLE_COPIES_VALUES',
        verdict: 'warning',
        evidence: `${table.name}: ${copies.join(', ')} (${fields.map(({ name }) => name).join(', ')})`,
        cause: 'what fires at an UPDATE may copy old plaintext elsewhere, where nothing hardens it',
        fix: 'look at what it copies; then harden with --accept-triggers, and clean the copies yourself',
      },
    ];
  });
  return settle('database', troubles, {
    code: 'NO_COPIES',
    evidence: 'no trigger or rule of these tables fires at an UPDATE, and none keeps a history',
  });
}

function transactional({ resolved }: Facts): readonly Finding[] {
  if (!resolved) return [];
  const troubles = perTable(resolved.fields, (_fields, { table }): Trouble[] =>
    table.transactional
      ? []
      : [
          {
            code: 'TABLE_NOT_TRANSACTIONAL',
            verdict: 'notice',
            evidence: `${table.name} has an engine without transactions`,
            cause:
              'values are swapped one by one and compared by a hash there, and a crash may damage the table itself',
            fix: `convert ${table.name} to ENGINE = InnoDB`,
          },
        ],
  );
  return settle('database', troubles, { code: 'TABLES_TRANSACTIONAL', evidence: 'every table has transactions' });
}

function strictMode({ server }: Facts): readonly Finding[] {
  if (server?.sqlMode === undefined) return [];
  const strict = /\bSTRICT_(ALL|TRANS)_TABLES\b|\bTRADITIONAL\b/i.test(server.sqlMode);
  const troubles: Trouble[] = strict
    ? []
    : [
        {
          code: 'SQL_MODE_NOT_STRICT',
          verdict: 'warning',
          evidence: `sql_mode = ${server.sqlMode || "''"}`,
          cause: 'the server cuts a value that is too long for its column, silently, and a cut credential is lost',
          fix: "add STRICT_TRANS_TABLES to the server's sql_mode",
        },
      ];
  return settle('database', troubles, { code: 'SQL_MODE_STRICT', evidence: 'a value that does not fit is an error' });
}

const LOGGED = {
  all: 'the server writes statements into a log, with what the application saves; casehard itself sends sealed values only',
  slow: 'the server writes slow statements into a log, with what the application saves; casehard itself sends sealed values only',
  changes:
    'the server writes every change into its binary log: what the application saves and, in its row format, what rows held before they were hardened',
} as const;

function statementLogs({ server }: Facts): readonly Finding[] {
  if (!server) return [];
  const troubles = server.logs.map(
    ({ setting, which }): Trouble => ({
      code: 'STATEMENTS_LOGGED',
      verdict: which === 'all' ? 'warning' : 'notice',
      evidence: setting,
      cause: LOGGED[which],
      fix:
        which === 'changes'
          ? 'keep binary logs as safe as the database, and let those from before the last harden expire'
          : 'switch it off, or keep the log as safe as the database until every save is sealed',
    }),
  );
  return settle('database', troubles, {
    code: 'STATEMENTS_NOT_LOGGED',
    evidence: 'no setting that this user sees has the server log statements or changes',
  });
}

function perTable(
  fields: readonly ResolvedField[],
  look: (fields: readonly ResolvedField[], first: ResolvedField) => readonly Trouble[],
): readonly Trouble[] {
  return [...Map.groupBy(fields, ({ table }) => table.name).values()].flatMap((group) =>
    group[0] ? look(group, group[0]) : [],
  );
}
