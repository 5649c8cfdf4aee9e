/** Exit codes of every command. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Nothing went wrong, and something is left to do. */
  workRemains: 3,
} as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];
