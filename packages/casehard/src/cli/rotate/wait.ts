import { setTimeout as sleep } from 'node:timers/promises';
import { HEARTBEAT_MS } from '@casehard/core';
import type { Database } from '../../database/connect.ts';
import type { KeysProject } from '../../keys/live.ts';
import { type ReadRotation, type ReadRotationOptions, readRotation } from '../../keys/read-rotation.ts';
import { type RotationStep, rotationStep } from '../../keys/rotation.ts';
import type { Output } from '../output.ts';

/** Looks at the processes again and again until a waiting step has ended. Ctrl-C ends the wait; nothing is lost. */
export async function waitForEnd(
  project: KeysProject,
  db: Database,
  about: {
    readonly options: ReadRotationOptions;
    readonly facts: ReadRotation;
    readonly output: Output;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { options, output, signal } = about;
  const began = rotationStep(about.facts).step;
  const pause = Math.min(LONGEST_PAUSE_MS, (options.heartbeat ?? HEARTBEAT_MS) / 2);
  for (let step = rotationStep(about.facts); step.step === began && !signal.aborted; ) {
    output.progress(progressOf(step));
    await sleep(pause, undefined, { signal }).catch(() => {});
    // The values were counted a moment ago, and this step does not depend on them.
    step = rotationStep(await readRotation(project, db, { ...options, fields: about.facts.fields }));
  }
  output.progress(undefined);
}

// --- internal ---

const LONGEST_PAUSE_MS = 5000;

function progressOf(step: RotationStep): string {
  if (step.step === 'stage') return `waiting for ${step.missing.map(({ host }) => host).join(', ')}`;
  if (step.step !== 'settle') return '';
  switch (step.why.because) {
    case 'processes':
      return `waiting for ${step.why.processes.map(({ host }) => host).join(', ')}`;
    case 'time':
      return `waiting ${Math.ceil(step.why.wait / 1000)} s more`;
    case 'transaction':
      return `waiting for a transaction that has been open for ${Math.ceil(step.why.open / 1000)} s`;
  }
}
