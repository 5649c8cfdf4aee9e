import type { Purpose } from '../field/link-settings.ts';

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

/** Throws TypeError for anything that is not one of the six. */
export function checkPurpose(purpose: unknown): asserts purpose is Purpose {
  if (typeof purpose === 'string' && Object.hasOwn(PURPOSES, purpose)) return;
  throw new TypeError(`"purpose" must be one of ${Object.keys(PURPOSES).join(', ')}`);
}
