import { CasehardError, generateKey, type KeyKind } from '@casehard/core';
import { recordAct } from '../../audit/open.ts';
import type { LoadedProject } from '../../config/load.ts';
import type { Database } from '../../database/connect.ts';
import { stageLine } from '../../keys/paste.ts';
import { type ReadRotation, type ReadRotationOptions, readRotation } from '../../keys/read-rotation.ts';
import { type RotationStep, rotationStep } from '../../keys/rotation.ts';
import { EXIT, type Exit } from '../exit.ts';
import type { AddCommand, Invocation } from '../main.ts';
import { positive, rate } from '../options.ts';
import { withProject } from '../project.ts';
import { askYes, isInteractive } from '../prompt.ts';
import { explain } from '../rotate/explain.ts';
import { type Moved, moveValues } from '../rotate/move.ts';
import { printPlan } from '../rotate/plan.ts';
import { waitForEnd } from '../rotate/wait.ts';

/** `casehard rotate`: does what can be done now of a change of keys, and says what comes next. */
export const rotate: AddCommand = (program, action) => {
  const command = program
    .command('rotate')
    .description('change the key, step by step; run it again and it goes on where it is')
    .option('--plan', 'show every step with its figures, and change nothing')
    .option('--tracking', 'the tracking key, for links in mails')
    .option('--leave', 'the same road the other way: back to the existing scheme')
    .option('--wait', 'wait where processes are waited for; Ctrl-C leaves, nothing is lost')
    .option('--rate <rows/s>', 'at most so many rows a second', rate)
    .option('--workers <n>', 'connections that reseal at once, each on tables of its own (default: 1)', positive)
    .option('--accept-triggers', 'work on tables whose triggers, rules or history may copy old values')
    .option('--heartbeat <ms>', 'how often the processes report, if not every 30000 ms', positive)
    .option('--yes', 'do not ask: begin with a new key, unless one is on its way into use; with --leave: soften');
  action(command, (invocation, options) =>
    withProject(invocation, async (project, db) => {
      if (options.tracking === true && options.leave === true) {
        throw new CasehardError('USAGE', '--tracking and --leave exclude each other', {
          hint: 'links need no leaving: keep the tracking key for those that were sent',
        });
      }
      const kind: KeyKind = options.tracking === true ? 'trk' : 'enc';
      const reading: ReadRotationOptions = {
        kind,
        road: options.leave === true ? 'leave' : 'rotate',
        ...(typeof options.heartbeat === 'number' ? { heartbeat: options.heartbeat } : {}),
        signal: invocation.signal,
      };
      const facts = await readRotation(project, db, reading);
      if (options.plan === true) return printPlan(invocation.output, facts);
      return walk({ invocation, options, project, db, reading }, facts);
    }),
  );
};

// --- internal ---

interface Walk {
  readonly invocation: Invocation;
  readonly options: Readonly<Record<string, unknown>>;
  readonly project: LoadedProject;
  readonly db: Database;
  readonly reading: ReadRotationOptions;
}

/** Goes from step to step as long as it is this command's turn. */
async function walk(asked: Walk, first: ReadRotation): Promise<Exit> {
  const { options, project, db, reading } = asked;
  let facts = first;
  let step = rotationStep(facts);
  let moved: Moved | undefined;
  // An older key that only waits to be withdrawn holds up nobody who asks for a new one: it may be the new one that has leaked.
  const waits = step.step === 'withdraw' && options.yes === true;
  const underWay = step.step !== 'done' && step.step !== 'generate' && !waits;
  if (!underWay && facts.road === 'rotate' && (await wantsKey(asked, facts, step))) {
    return generate(asked, facts);
  }
  const about = first.road === 'rotate' && options.yes === true ? aside(asked) : asked;
  const { output, signal } = about.invocation;
  for (;;) {
    const waiting = step.step === 'stage' || step.step === 'settle';
    if (waiting && options.wait === true && !signal.aborted) {
      for (const line of explain(facts, step).lines) output.note(line);
      await waitForEnd(project, db, { options: reading, facts, output, signal });
      if (signal.aborted) break;
    } else if (step.step === 'reseal' || (step.step === 'soften' && (step.total > 0 || step.stuck === 0))) {
      // Once is enough: what is left after that needs a person, or the rows were busy.
      if (moved) break;
      moved = await moveValues(about, facts, step);
      if (moved.remains) break;
    } else break;
    facts = await readRotation(project, db, reading);
    step = rotationStep(facts);
  }
  return tell(about, { facts, step, moved });
}

/** With --yes, stdout is for the line of a new key: it may be the file of the settings. */
function aside(asked: Walk): Walk {
  const { output } = asked.invocation;
  const line = (text = ''): void => output.note(text);
  return { ...asked, invocation: { ...asked.invocation, output: { ...output, line } } };
}

/** Whether a person wants a new key, where no rotation is under way. None is ever made unasked. */
async function wantsKey({ invocation, options }: Walk, facts: ReadRotation, step: RotationStep): Promise<boolean> {
  if (options.yes === true) return true;
  const kid = step.step === 'done' ? step.kid : undefined;
  const state = kid === undefined ? 'No key is configured.' : `No rotation is under way: key ${kid} is active.`;
  if (isInteractive()) return askYes(`${state} Make a new key and begin?`, '--yes');
  if (step.step === 'generate') {
    throw new CasehardError('KEY_MISSING', `${facts.setting} not configured: there is no key to begin with`, {
      hint: 'add --yes, and a key is made for you to stage',
    });
  }
  invocation.output.note('To begin a rotation with a new key: casehard rotate --yes');
  return false;
}

async function generate({ invocation, db, project, options }: Walk, facts: ReadRotation): Promise<Exit> {
  const { output, env } = invocation;
  const key = generateKey(facts.kind);
  const kid = key.split('.')[2] ?? '';
  await recordAct(
    db,
    { folder: project.folder, env, note: output.note },
    { act: 'rotate', subject: kid, reason: '', outcome: 'a key was made, to be staged' },
  );
  const line = stageLine(facts, key);
  output.line(line);
  output.note(
    [
      `This is key ${kid}; it is stored nowhere. Next:`,
      '  1. keep a copy of it outside this machine',
      '  2. paste the line into the settings of every process, and restart one after another: it opens, and seals nothing yet',
      `  3. casehard rotate${options.tracking === true ? ' --tracking' : ''} again: it waits until every live process has it`,
    ].join('\n'),
  );
  output.result({ ok: true, exit: EXIT.workRemains, step: 'generate', kid, paste: [line] });
  return EXIT.workRemains;
}

/** Prints where the rotation stands now. */
function tell(
  { invocation: { output } }: Walk,
  {
    facts,
    step,
    moved,
  }: { readonly facts: ReadRotation; readonly step: RotationStep; readonly moved: Moved | undefined },
): Exit {
  const { lines, paste } = explain(facts, step);
  for (const line of lines) output.line(line);
  for (const line of paste) output.line(`  ${line}`);
  const exit = step.step === 'done' && !moved?.remains ? EXIT.done : EXIT.workRemains;
  output.result({ ok: true, exit, ...step, paste, ...(moved ? { moved: moved.figures } : {}) });
  return exit;
}
