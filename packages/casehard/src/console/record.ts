import { type Act, type AuditEntry, requireTrail } from '../audit/trail.ts';
import type { Job } from './job-rows.ts';
import type { Parts } from './parts.ts';
import { type Ctx, person } from './request.ts';

/** What somebody did in the console: what it was done to, and how it ended. Never a value. */
export interface Deed {
  readonly act: Act;
  /** A locator, fields, an account; empty for none. */
  readonly subject: string;
  readonly outcome: string;
}

type Tools = Pick<Parts, 'trail' | 'report' | 'auth'>;

/**
 * Records what the person of a request did. The request goes on where that fails, which the operator's log is told; before
 * the upgrade has made the table there is nothing to record it in.
 */
export function record(ctx: Ctx, deed: Deed): Promise<void> {
  return recordAs(ctx.parts, person(ctx).name, deed);
}

/**
 * Records what must not happen unrecorded: every key leaves with a backup. Throws UPGRADE_PENDING where there is nothing to
 * record it in, and whatever keeps it from being recorded.
 */
export async function recordFirst(ctx: Ctx, deed: Deed): Promise<void> {
  const { trail } = ctx.parts;
  await requireTrail(trail);
  await trail.record(entryOf(ctx.parts, person(ctx).name, deed));
}

/** The same for somebody who is not signed in any more, or not yet. */
export async function recordAs({ trail, report, auth }: Tools, name: string, deed: Deed): Promise<void> {
  try {
    if (!(await trail.isReady())) return;
    await trail.record(entryOf({ auth }, name, deed));
  } catch (error) {
    report(error);
  }
}

/** How a job ended, in figures; of one that failed, why. */
export function endOf(job: Job): Deed {
  const { state, changed, quarantined, busy, message } = job;
  const figures = `${changed} changed, ${quarantined} quarantined, ${busy} busy`;
  return {
    ...aboutJob(job),
    outcome: state === 'failed' ? `failed: ${message.split('\n')[0]}; ${figures}` : `${state}: ${figures}`,
  };
}

/** What a job is about. */
export function aboutJob({ act, fields }: Pick<Job, 'act' | 'fields'>): Omit<Deed, 'outcome'> {
  return { act, subject: fields.length === 0 ? 'all fields' : fields.join(', ') };
}

// --- internal ---

function entryOf({ auth }: Pick<Parts, 'auth'>, name: string, deed: Deed): AuditEntry & { readonly act: Act } {
  return { ...deed, actor: `console ${auth.ownAccounts ? 'account' : 'person'} ${name}`, reason: '' };
}
