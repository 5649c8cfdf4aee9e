import { CasehardError } from '@casehard/core';
import type { Project } from '../config/load.ts';
import type { Database } from '../database/connect.ts';
import type { KidsOfField } from '../inventory/known-keys.ts';
import { type RunOptions, type RunResult, run } from '../jobs/run.ts';

export interface ResealOptions
  extends Pick<RunOptions, 'rate' | 'signal' | 'acceptTriggers' | 'heartbeat' | 'onBegin' | 'onProgress'> {
  /** Connections that work at once, each on tables of its own; default 1. SQLite has one. */
  readonly workers?: number;
}

/**
 * Puts the values that are under one of the keys under the active one: hardens the fields that hold any. Stopped, killed
 * or run twice, it loses nothing. Throws what `run` throws; the other workers then stop after their page.
 */
export async function resealFields(
  project: Project,
  db: Database,
  {
    fields,
    kids,
    ...options
  }: ResealOptions & { readonly fields: readonly KidsOfField[]; readonly kids: readonly string[] },
): Promise<RunResult> {
  const weights = fields.flatMap(({ name, kids: held }) => {
    const weight = kids.reduce((sum, kid) => sum + (held.get(kid) ?? 0), 0);
    return weight > 0 ? [{ name, table: project.hard.definition(name).spec.table, weight }] : [];
  });
  const shares = share(weights, db.engine === 'sqlite' ? 1 : (options.workers ?? 1));
  const stop = new AbortController();
  let begun: Promise<void> | undefined;
  const { onBegin } = options;
  const begin = onBegin && ((): Promise<void> => (begun ??= onBegin()));
  const signal = AbortSignal.any([stop.signal, ...(options.signal ? [options.signal] : [])]);
  const outcomes = await Promise.allSettled(
    shares.map((only) =>
      run(project, db, {
        act: 'harden',
        only,
        signal,
        ...(options.acceptTriggers ? { acceptTriggers: true } : {}),
        ...(options.heartbeat ? { heartbeat: options.heartbeat } : {}),
        ...(begin ? { onBegin: begin } : {}),
        ...(options.onProgress ? { onProgress: options.onProgress } : {}),
        ...(options.rate ? { rate: Math.ceil(options.rate / shares.length) } : {}),
      }).catch((error: unknown) => {
        stop.abort();
        throw error;
      }),
    ),
  );
  const results = outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
  return merge(results, options.signal?.aborted === true);
}

/** Parts fields among workers by table, the largest first, so that two never want the same row. */
export function share(
  fields: readonly { readonly name: string; readonly table: string; readonly weight: number }[],
  workers: number,
): readonly (readonly string[])[] {
  if (!Number.isSafeInteger(workers) || workers < 1) throw new CasehardError('USAGE', 'workers: must be at least 1');
  const tables = Map.groupBy(fields, ({ table }) => table.toLowerCase());
  const groups = [...tables.values()]
    .map((group) => ({
      names: group.map(({ name }) => name),
      weight: group.reduce((sum, { weight }) => sum + weight, 0),
    }))
    .sort((a, b) => b.weight - a.weight);
  const shares = Array.from({ length: Math.min(workers, MOST_WORKERS, groups.length) }, () => ({
    names: [] as string[],
    weight: 0,
  }));
  for (const { names, weight } of groups) {
    const lightest = shares.reduce((a, b) => (b.weight < a.weight ? b : a));
    lightest.names.push(...names);
    lightest.weight += weight;
  }
  return shares.map(({ names }) => names);
}

// --- internal ---

/** The pool of a database has four connections; more than two gained nothing where it was measured. */
const MOST_WORKERS = 4;

function merge(results: readonly RunResult[], stopped: boolean): RunResult {
  const sum = (of: (result: RunResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  return {
    fields: results.flatMap(({ fields }) => fields),
    stopped: stopped || results.some((result) => result.stopped),
    changed: sum(({ changed }) => changed),
    quarantined: sum(({ quarantined }) => quarantined),
    busy: sum(({ busy }) => busy),
    refused: sum(({ refused }) => refused),
    tables: [...new Set(results.flatMap(({ tables }) => tables))],
  };
}
