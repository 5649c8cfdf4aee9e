import { countLive, type PlannedStep, planRotation, valuesOf } from '../../keys/plan.ts';
import type { ReadRotation } from '../../keys/read-rotation.ts';
import type { RotationStep } from '../../keys/rotation.ts';
import { EXIT, type Exit } from '../exit.ts';
import type { Output } from '../output.ts';
import { plural, table } from '../table.ts';
import { explain } from './explain.ts';

/** Prints the whole road with its figures. Changes nothing. */
export function printPlan(output: Output, facts: ReadRotation): Exit {
  const { steps, next } = planRotation(facts);
  const { total, toMove } = valuesOf(facts);
  const what: Readonly<Record<RotationStep['step'], string>> = {
    generate: 'make a key; you paste it as a staged one into the settings of every process',
    stage: `wait until every live process (${countLive(facts)}) can open it`,
    activate:
      facts.road === 'leave'
        ? `you move the key to the staged ones in every process (${countLive(facts)} live): it opens, and seals no more`
        : 'you make it active in every process, one after another; the older key goes on opening',
    settle: `wait until no process has had an older key active for ${Math.ceil(facts.settle / 1000)} s, and longer than the longest open transaction`,
    reseal: `put ${plural(toMove, 'value')} under the new key, in pages, while the application runs`,
    soften: `turn ${plural(toMove, 'sealed value')} back into the existing scheme`,
    withdraw: `withdraw the older key, once nothing was opened with it for ${facts.quiet / 86_400_000} days and no value is under it`,
    done: 'nothing is left to do',
  };
  for (const line of table(
    ['', 'step', 'what happens'],
    steps.map(({ name, when }, i) => [MARKS[when], `${i + 1} ${name}`, what[name]]),
  )) {
    output.line(line);
  }
  const held = facts.fields.filter(({ sealed }) => sealed > 0);
  if (held.length > 0) {
    output.line();
    for (const line of table(
      ['field', 'sealed values', 'under keys'],
      held.map(({ name, sealed, kids }) => [name, sealed, [...kids].map(([kid, rows]) => `${kid} ${rows}`).join(', ')]),
    )) {
      output.line(line);
    }
  }
  output.line();
  for (const line of explain(facts, next).lines) output.line(line);
  output.line('Nothing was changed.');
  const exit = next.step === 'done' ? EXIT.done : EXIT.workRemains;
  output.result({
    ok: true,
    exit,
    plan: true,
    next: next.step,
    steps,
    values: { total, toMove },
    live: countLive(facts),
  });
  return exit;
}

// --- internal ---

const MARKS: Readonly<Record<PlannedStep['when'], string>> = { done: 'done', now: 'next', later: '' };
