import type { Purpose } from '../field/link-settings.ts';
import { wrongLinks } from './refusal.ts';

export type { Purpose };

/** The number of each purpose inside a token (docs/format.md, "Link tokens"). */
export const PURPOSES: Readonly<Record<Purpose, number>> = {
  open: 1,
  click: 2,
  unsubscribe: 3,
  confirm: 4,
  view: 5,
  preferences: 6,
};

/** The purpose that a number inside a token stands for. */
export function purposeOf(number: number): Purpose | undefined {
  return (Object.keys(PURPOSES) as Purpose[]).find((name) => PURPOSES[name] === number);
}

/** The purposes that a configuration has under `name`, in its order. Throws CONFIG for a name that is none. */
export function purposesIn<T>(
  settings: Readonly<Partial<Record<Purpose, T>>> | undefined,
  name: string,
): [Purpose, T][] {
  if (typeof settings !== 'object' || settings === null) {
    throw wrongLinks(`${name} is missing`, `write ${name}: { … }`);
  }
  return Object.entries(settings).map(([purpose, value]) => {
    if (Object.hasOwn(PURPOSES, purpose)) return [purpose as Purpose, value as T];
    throw wrongLinks(`${name}.${purpose} is no purpose`, `there is ${Object.keys(PURPOSES).join(', ')}`);
  });
}

/** Throws TypeError for anything that is not one of the six. */
export function checkPurpose(purpose: unknown): asserts purpose is Purpose {
  if (typeof purpose === 'string' && Object.hasOwn(PURPOSES, purpose)) return;
  throw new TypeError(`"purpose" must be one of ${Object.keys(PURPOSES).join(', ')}`);
}
