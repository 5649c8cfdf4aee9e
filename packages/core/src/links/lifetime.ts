import type { LinkSettings } from '../field/link-settings.ts';
import { PURPOSES, type Purpose, purposesIn } from './purpose.ts';
import { wrongLinks } from './refusal.ts';

/** CAN-SPAM asks that unsubscribing works for 30 days after a mail, CASL for 60. */
export const UNSUBSCRIBE_FLOOR_DAYS = 60;
const DAY_SECONDS = 86_400;

const DEFAULT_DAYS: Readonly<Record<Purpose, number | 'never'>> = {
  open: 90,
  click: 90,
  view: 90,
  confirm: 7,
  unsubscribe: 'never',
  preferences: 'never',
};

/** Seconds that each purpose's links live; infinite for those that never expire. Throws CONFIG. */
export function lifetimesOf(settings: LinkSettings['lifetimes'] = {}): Readonly<Record<Purpose, number>> {
  purposesIn(settings, 'lifetimes');
  const seconds = (purpose: Purpose): number => {
    const days = settings[purpose] ?? DEFAULT_DAYS[purpose];
    if (days === 'never') return Number.POSITIVE_INFINITY;
    if (typeof days !== 'number' || !(days > 0)) {
      throw wrongLinks(`lifetimes.${purpose} must be a number of days or 'never'`, "write 90, or 'never'");
    }
    if (days < UNSUBSCRIBE_FLOOR_DAYS && (purpose === 'unsubscribe' || purpose === 'preferences')) {
      throw wrongLinks(
        `lifetimes.${purpose} is ${days} days: a way to unsubscribe must work for 30 days by CAN-SPAM and for 60 by CASL`,
        `leave it out (it then never expires), or write ${UNSUBSCRIBE_FLOOR_DAYS} and more`,
      );
    }
    return days * DAY_SECONDS;
  };
  return Object.fromEntries(
    (Object.keys(PURPOSES) as Purpose[]).map((purpose) => [purpose, seconds(purpose)]),
  ) as Record<Purpose, number>;
}
