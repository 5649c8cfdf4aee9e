import { CasehardError } from '../errors.ts';
import type { Verdict } from './verdict.ts';

/** The errors of a field. One message for every cause of a failed opening: the cause is in `reason`, for operators. */
export function cannotOpen(field: string, verdict: Verdict): CasehardError {
  const details =
    verdict.kind === 'unreadable'
      ? { reason: verdict.why, ...(verdict.kid === undefined ? {} : { kid: verdict.kid }) }
      : { reason: verdict.kind === 'foreign' ? ('FOREIGN' as const) : ('UNEXPECTED' as const) };
  return new CasehardError('CANNOT_OPEN', `${field}: the stored credential cannot be opened`, {
    field,
    hint: 'run `casehard status --deep`: it names the row and the cause',
    ...details,
  });
}

export function keyMissing(field: string, setting: string, because: string): CasehardError {
  return new CasehardError('KEY_MISSING', `${field}: ${setting} not configured, and ${because}`, {
    field,
    hint: `configure ${setting}; saving in the old scheme would be a step back`,
  });
}

/** Without a key: stored as it is, the value would be taken for a damaged sealed one at the next read. */
export function looksLikeSealed(field: string, setting: string): CasehardError {
  return new CasehardError(
    'REFUSED',
    `${field}: a value that begins like a sealed one cannot be stored without a key`,
    { field, hint: `configure ${setting}; with a key any text can be sealed` },
  );
}

export function doesNotFit(field: string, maxChars: number, chars: number): CasehardError {
  const limit = Number.isFinite(maxChars) ? `the column holds ${maxChars}` : 'more than the format has';
  const hint = 'run `casehard upgrade`, then update `max` in the configuration';
  return tooLong(field, `needs ${chars} characters, ${limit}`, hint);
}

export function tooLong(
  field: string,
  problem: string,
  hint = 'a credential is hardly this long; otherwise raise `maxSecret`',
): CasehardError {
  return new CasehardError('TOO_LONG', `${field}: ${problem}`, { field, hint });
}

export function notWellFormed(field: string): CasehardError {
  return new CasehardError('NOT_WELL_FORMED', `${field}: the text has half of a surrogate pair`, {
    field,
    hint: 'check how the text was cut or converted; bytes go through sealBytes',
  });
}

export function noScheme(field: string): CasehardError {
  return new CasehardError('CONFIG', `field ${field}: no legacy scheme is declared to go back to`, {
    field,
    hint: 'declare `was`',
  });
}
