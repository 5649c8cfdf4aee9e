import type { StateRow } from '../database/state-rows.ts';

export type JobState = 'running' | 'paused' | 'interrupted' | 'done' | 'cancelled' | 'failed';

/** A harden or soften that somebody started here. */
export interface Job {
  readonly id: string;
  readonly act: 'harden' | 'soften';
  /** Empty: all. */
  readonly fields: readonly string[];
  readonly rate: number | undefined;
  readonly state: JobState;
  readonly rows: number;
  readonly total: number;
  readonly changed: number;
  readonly quarantined: number;
  readonly busy: number;
  /** For people: the field at work, or why it failed and what to do. */
  readonly message: string;
  readonly startedBy: string;
  readonly startedAt: number;
  readonly updatedAt: number;
}

/** A job as it is written down. */
export function rowOf(job: Job): StateRow {
  return {
    ...{ id: job.id, act: job.act, fields: JSON.stringify(job.fields), rate: job.rate ?? null, state: job.state },
    ...{ rows_done: job.rows, total: job.total, changed: job.changed, quarantined: job.quarantined },
    ...{ message: job.message, started_by: job.startedBy, started_at: job.startedAt, updated_at: job.updatedAt },
    finished_at: job.state === 'done' || job.state === 'cancelled' || job.state === 'failed' ? job.updatedAt : null,
  };
}

/** A job as its row says. */
export function jobOf(row: StateRow): Job {
  return {
    ...{ id: String(row.id), act: row.act as Job['act'], fields: JSON.parse(String(row.fields)) as string[] },
    ...{
      rate: row.rate === null || row.rate === undefined ? undefined : Number(row.rate),
      state: row.state as JobState,
    },
    ...{ rows: Number(row.rows_done), total: Number(row.total), changed: Number(row.changed), busy: 0 },
    ...{ quarantined: Number(row.quarantined), message: String(row.message ?? ''), startedBy: String(row.started_by) },
    ...{ startedAt: Number(row.started_at), updatedAt: Number(row.updated_at) },
  };
}
