const UNITS = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** `3 days`, `1 hour`, `less than a minute`. */
export function duration(ms: number): string {
  for (const [unit, length] of UNITS) {
    const count = Math.floor(Math.abs(ms) / length);
    if (count > 0) return `${count} ${unit}${count === 1 ? '' : 's'}`;
  }
  return 'less than a minute';
}

/** `3 days ago`, or `in 3 days` for a time that is still to come. */
export function age(at: Date, now: number): string {
  const ms = now - at.getTime();
  // A time in whole seconds may be a moment ahead of ours.
  return ms > -60_000 ? `${duration(Math.max(0, ms))} ago` : `in ${duration(ms)}`;
}
