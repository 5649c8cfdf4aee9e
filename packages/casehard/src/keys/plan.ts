import { liveProcesses, type RotationFacts, type RotationStep, rotationStep } from './rotation.ts';

/** A step of the whole road. */
export interface PlannedStep {
  readonly name: RotationStep['step'];
  readonly when: 'done' | 'now' | 'later';
}

/** The whole road beforehand: every step, and which of them is next. A road that nobody has begun starts at its beginning. */
export function planRotation(facts: RotationFacts): {
  readonly next: RotationStep;
  readonly steps: readonly PlannedStep[];
} {
  const next = rotationStep({ ...facts, begin: true });
  const road = ROADS[facts.road === 'leave' ? 'leave' : facts.kind];
  const at = road.indexOf(next.step);
  return {
    next,
    steps: road.map((name, i) => ({ name, when: i < at ? 'done' : i === at ? 'now' : 'later' })),
  };
}

/** Sealed values by what a rotation would do with them. */
export function valuesOf(facts: RotationFacts): { readonly total: number; readonly toMove: number } {
  const known = facts.keys.filter(({ state }) => state !== 'withdrawn').map(({ kid }) => kid);
  const { next } = planRotation(facts);
  const kept = facts.road === 'rotate' && 'kid' in next && next.step !== 'done' ? next.kid : undefined;
  const counts = known.map((kid) => ({ kid, values: facts.values.get(kid) ?? 0 }));
  const sum = (list: typeof counts): number => list.reduce((total, { values }) => total + values, 0);
  return { total: sum(counts), toMove: sum(counts.filter(({ kid }) => kid !== kept)) };
}

/** How many live processes are waited for. */
export function countLive(facts: RotationFacts): number {
  return liveProcesses(facts).length;
}

// --- internal ---

const ROADS: Readonly<Record<'enc' | 'trk' | 'leave', readonly RotationStep['step'][]>> = {
  enc: ['generate', 'stage', 'activate', 'settle', 'reseal', 'withdraw', 'done'],
  trk: ['generate', 'stage', 'activate', 'settle', 'done'],
  leave: ['activate', 'settle', 'soften', 'done'],
};
