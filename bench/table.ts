import type { Spread } from './measure.ts';

/** `3.21 (3.10–3.40)`: median and quartiles; `unit` is how many operations one measured run was. */
export function printMicros({ median, low, high }: Spread, unit = 1): string {
  return `${(median / unit).toFixed(2)} (${(low / unit).toFixed(2)}–${(high / unit).toFixed(2)})`;
}

/** The same for a ratio; `1` for the subject that the ratios refer to. */
export function printRatio({ median, low, high }: Spread): string {
  return low === high ? '1' : `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}
