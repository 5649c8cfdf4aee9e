import type { CasehardError } from '@casehard/core';
import type { TrackingKeyring } from '@casehard/core/links';
import type { Project } from '../config/load.ts';
import type { Database } from '../database/connect.ts';
import { checkConfiguration } from './configuration.ts';
import { checkDatabase, databaseAway } from './database.ts';
import type { Facts } from './facts.ts';
import { type Finding, SEVERITIES, type Severity, sortFindings } from './finding.ts';
import { gather } from './gather.ts';
import { checkKeysOf, nameTheClassic } from './keys.ts';
import { checkPolicy } from './policy.ts';
import { checkProcesses } from './processes.ts';
import { checkValues } from './values.ts';

export interface ExamineOptions {
  /** Where key sources are looked for, as for `loadProject`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of a loaded project; default: links are not looked at. */
  readonly tracking?: TrackingKeyring | undefined;
  /** Why the keys could not be read, where they could not: the project then has an empty keyring. */
  readonly keysProblem?: CasehardError | undefined;
  /** Fields whose values are looked at; default: all. Keys are always looked at in all of them. */
  readonly only?: readonly string[];
  /** Open no value: seconds instead of minutes. */
  readonly quick?: boolean;
  /** Write down beside the configuration how far the look at values came; default: no. */
  readonly keepProgress?: boolean;
  /** Go on where a look that kept its progress was stopped. */
  readonly resume?: boolean;
  /** Locators to list for each verdict of a field; default 20. All are counted. */
  readonly maxLocators?: number;
  /** Stops between two pages; what was found until then is told. */
  readonly signal?: AbortSignal;
  /** After each page: the field, and how many of its values were looked at. */
  readonly onProgress?: (field: string, rows: number) => void;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
}

/** What the doctor found. Holds no credential, no sealed value and no key. */
export interface Diagnosis {
  readonly database: string;
  /** One plain sentence, where everything fails for one reason: the keys. */
  readonly headline: string | undefined;
  /** The worst first. */
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Record<Severity, number>>;
  /** The worst of them. */
  readonly verdict: Severity;
  /** How many values were looked at, and whether these were all. */
  readonly values: { readonly looked: number; readonly complete: boolean; readonly stopped: boolean };
}

/**
 * Looks at configuration, database, values, keys, processes and policy, and says what is wrong, why, and what to do. Reads
 * only: the database is never written to. Works as far as it can with wrong keys, before the upgrade, and without the
 * database. Throws UNKNOWN_FIELD; whatever else is wrong is a finding.
 */
export async function examine(project: Project, db: Database, options: ExamineOptions): Promise<Diagnosis> {
  for (const name of options.only ?? []) project.hard.definition(name);
  const facts = await gather(project, db, options);
  const findings = sortFindings(check(facts));
  const counts = Object.fromEntries(
    SEVERITIES.map((severity) => [severity, findings.filter(({ verdict }) => verdict === severity).length]),
  ) as Record<Severity, number>;
  return {
    database: db.label,
    headline: nameTheClassic(facts),
    findings,
    counts,
    verdict: SEVERITIES.find((severity) => counts[severity] > 0) ?? 'ok',
    values: {
      looked: (facts.looks ?? []).reduce((sum, { rows }) => sum + rows, 0),
      complete: facts.complete,
      stopped: facts.stopped !== 'no',
    },
  };
}

/** Every check on the same facts. Pure: what a database says, it says in `Facts`. */
export function check(facts: Facts): readonly Finding[] {
  return [
    ...checkConfiguration(facts),
    ...databaseAway(facts),
    ...(facts.away ? [] : checkDatabase(facts)),
    ...checkKeysOf(facts),
    ...checkValues(facts),
    ...checkProcesses(facts),
    ...checkPolicy(facts),
  ];
}
