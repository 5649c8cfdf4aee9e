import { hostname } from 'node:os';
import { CasehardError, type ErrorCode } from '@casehard/core';
import { randomId } from '@casehard/core/state';
import type { StateRow, StateRows } from '../database/state-rows.ts';
import { type Running, startTask } from './background/background.ts';
import type { Progress, Ran } from './background/task.ts';
import { type Job, type JobState, jobOf, rowOf } from './job-rows.ts';
import type { Live } from './live.ts';

export interface JobsOptions {
  readonly live: Live;
  readonly rows: StateRows;
  readonly now: () => number;
  /** Told when a job has ended, however. */
  readonly onEnd: (job: Job) => void;
}

/**
 * The console's jobs: one at a time, in the background, written down so that they survive a closed browser and a
 * restarted server. A run has no state of its own, so pausing is stopping and resuming is running again: what is hardened
 * is passed over.
 */
export class Jobs {
  readonly #options: JobsOptions;
  #current: Current | undefined;
  #again: NodeJS.Timeout | undefined;
  /** Ends when everything that was to be written is: a row that two change at once keeps the change of one. */
  #writing: Promise<unknown> = Promise.resolve();

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  /** The newest first. Of the job at work, the figures of this moment. */
  async list(limit = 20): Promise<readonly Job[]> {
    const rows = await this.#options.rows.find('casehard_runs', {}, { orderBy: 'started_at', descending: true, limit });
    const current = this.#current?.job;
    return rows.map((row) => (current && row.id === current.id ? current : this.#left(row)));
  }

  async find(id: string): Promise<Job | undefined> {
    if (this.#current?.job.id === id) return this.#current.job;
    const [row] = await this.#options.rows.find('casehard_runs', { id });
    return row && this.#left(row);
  }

  /** A job as its row says; one that is running and that nobody has touched for long is interrupted. */
  #left(row: StateRow): Job {
    const job = jobOf(row);
    return job.state === 'running' && isDead(row, this.#options.now()) ? { ...job, state: 'interrupted' } : job;
  }

  get running(): Job | undefined {
    return this.#current?.job;
  }

  /** Starts a job. Throws REFUSED while another one runs. */
  async start(order: {
    readonly act: Job['act'];
    readonly fields: readonly string[];
    readonly rate?: number;
    readonly by: string;
  }): Promise<Job> {
    this.#refuseSecond();
    const now = this.#options.now();
    const job: Job = {
      ...{ id: randomId(), act: order.act, fields: order.fields, rate: order.rate, state: 'running', message: '' },
      ...{ rows: 0, total: 0, changed: 0, quarantined: 0, busy: 0 },
      ...{ startedBy: order.by, startedAt: now, updatedAt: now },
    };
    const row = { ...rowOf(job), owner: OWNER };
    this.#run(job); // before the first wait, so that two clicks do not start two
    await this.#inTurn(() => this.#options.rows.insert('casehard_runs', row));
    return job;
  }

  /** Goes on with a job that was paused or interrupted, or failed. */
  async resume(id: string): Promise<void> {
    this.#refuseSecond();
    const job = await this.find(id);
    if (!job || !RESUMABLE.has(job.state)) throw noSuchJob();
    this.#refuseSecond();
    this.#run({ ...job, state: 'running', message: '' });
    await this.#note();
  }

  /** Stops between two pages; it can be resumed. */
  async pause(id: string): Promise<void> {
    this.#end(id, 'paused');
  }

  /** Stops between two pages, for good. What was written stays. */
  async cancel(id: string): Promise<void> {
    if (this.#current?.job.id === id) return this.#end(id, 'cancelled');
    const job = await this.find(id);
    if (!job || !RESUMABLE.has(job.state)) throw noSuchJob();
    await this.#write({ ...job, state: 'cancelled', message: '' });
  }

  /**
   * After a start: a harden that a dead server left running goes on by itself. A soften waits for a person: whoever can
   * write the database could have put an old row back, and softening is what they would want.
   */
  async takeOver(): Promise<void> {
    // A server that was killed leaves rows that look alive for a while.
    this.#again ??= setInterval(() => void this.takeOver().catch(() => {}), DEAD_AFTER_MS).unref();
    const rows = await this.#options.rows.find('casehard_runs', { state: 'running' });
    for (const row of rows) {
      const job = jobOf(row);
      if (!isDead(row, this.#options.now())) continue;
      if (job.act === 'harden' && !this.#current) {
        // Whoever writes its name first has it.
        const claimed = await this.#options.rows.update('casehard_runs', row, {
          owner: OWNER,
          updated_at: this.#options.now(),
        });
        if (claimed && !this.#current) this.#run({ ...job, message: '' });
      } else if (job.act === 'soften') {
        await this.#write({ ...job, state: 'interrupted', message: 'the server was restarted' });
      }
    }
  }

  /** Ends the work of this process; what runs is written down as it is, and goes on after the next start. */
  async close(): Promise<void> {
    clearInterval(this.#again);
    const current = this.#current;
    if (!current) return;
    current.closing = true;
    current.running.stop();
    await current.ended;
    clearInterval(current.timer);
    if (this.#current === current) await this.#write({ ...current.job, state: 'running' }, `left ${OWNER}`);
  }

  // --- internal ---

  #refuseSecond(): void {
    if (!this.#current) return;
    throw new CasehardError('REFUSED', 'another job is running', { hint: 'wait for it, or pause or cancel it first' });
  }

  #run(job: Job): void {
    const { live, onEnd } = this.#options;
    const fields = new Map<string, Extract<Progress, { kind: 'run' }>['walked']>();
    const current: Current = {
      job,
      wanted: undefined,
      closing: false,
      running: startTask(
        {
          kind: 'run',
          act: job.act,
          ...(job.fields.length > 0 ? { only: job.fields } : {}),
          ...(job.rate === undefined ? {} : { rate: job.rate }),
        },
        {
          ...live.where(),
          onProgress: (progress) => {
            if (progress.kind !== 'run') return;
            fields.set(progress.field, progress.walked);
            current.job = {
              ...current.job,
              ...sum([...fields.values()]),
              message: progress.field,
              updatedAt: this.#options.now(),
            };
          },
        },
      ),
      ended: Promise.resolve(),
      timer: setInterval(() => this.#note().catch(() => {}), NOTE_EVERY_MS),
    };
    current.timer.unref();
    this.#current = current;
    current.ended = current.running.done
      .then(
        (ran) => ended(current, ran),
        (error: CasehardError) => ({ ...current.job, state: 'failed' as const, message: messageOf(error) }),
      )
      .then(async (last) => {
        if (current.closing) return;
        clearInterval(current.timer);
        const end = { ...last, updatedAt: this.#options.now() };
        await this.#write(end).catch(() => {});
        // Not before it is written: whoever sees that a job has ended may start the next one.
        this.#current = undefined;
        onEnd(end);
      });
  }

  #end(id: string, wanted: 'paused' | 'cancelled'): void {
    if (this.#current?.job.id !== id) throw noSuchJob();
    this.#current.wanted = wanted;
    this.#current.running.stop();
  }

  async #note(): Promise<void> {
    if (this.#current) await this.#write({ ...this.#current.job, updatedAt: this.#options.now() });
  }

  #write(job: Job, owner: string = OWNER): Promise<void> {
    return this.#inTurn(async () => {
      const [row] = await this.#options.rows.find('casehard_runs', { id: job.id });
      if (row) await this.#options.rows.update('casehard_runs', row, { ...rowOf(job), owner });
    });
  }

  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.#writing.then(write);
    this.#writing = turn.catch(() => {});
    return turn;
  }
}

interface Current {
  job: Job;
  readonly running: Running<Ran>;
  readonly timer: NodeJS.Timeout;
  /** The run is over and, unless the console is closing, written down. */
  ended: Promise<void>;
  wanted: 'paused' | 'cancelled' | undefined;
  closing: boolean;
}

const OWNER = `${hostname()}:${process.pid}`;
const NOTE_EVERY_MS = 2000;
/** A job whose row nobody has touched for so long has nobody. */
const DEAD_AFTER_MS = 15_000;
const RESUMABLE: ReadonlySet<JobState> = new Set(['paused', 'interrupted', 'failed']);

function isDead(row: StateRow, now: number): boolean {
  return String(row.owner).startsWith('left ') || now - Number(row.updated_at) > DEAD_AFTER_MS;
}

function sum(walked: readonly { rows: number; total: number; changed: number; quarantined: number; busy: number }[]) {
  const of = (pick: 'rows' | 'total' | 'changed' | 'quarantined' | 'busy'): number =>
    walked.reduce((total, each) => total + each[pick], 0);
  return {
    rows: of('rows'),
    total: of('total'),
    changed: of('changed'),
    quarantined: of('quarantined'),
    busy: of('busy'),
  };
}

function ended({ job, wanted }: Current, ran: Ran): Job {
  const figures = sum(ran.fields.map(({ walked }) => walked));
  const residue = ran.residue ? [ran.residue.where, ...ran.residue.commands].join('\n') : '';
  const busy = ran.busy > 0 ? `${ran.busy} rows were locked or saved meanwhile: run it again.\n` : '';
  return { ...job, ...figures, state: ran.stopped ? (wanted ?? 'interrupted') : 'done', message: `${busy}${residue}` };
}

function messageOf({
  code,
  message,
  hint,
}: {
  code: ErrorCode | string;
  message: string;
  hint?: string | undefined;
}): string {
  return `${message} [${code}]${hint ? `\n${hint}` : ''}`;
}

function noSuchJob(): CasehardError {
  return new CasehardError('NOT_FOUND', 'there is no such job in that state', { hint: 'it may have ended meanwhile' });
}
