import type { RotationFacts } from './rotation.ts';

/*
 * Lines of settings by the names of keys, never with a key in them: which key is active is configuration of each process,
 * and only a person can change it.
 */

/** The line that stages a key; the one place where a key that was just made is put into a line. */
export function stageLine({ kind }: Pick<RotationFacts, 'kind'>, key: string): string {
  return `${NAMES[kind].staged}=${key}`;
}

/** The lines that make a staged key active, with the key that was active kept for opening. */
export function activateLines(facts: RotationFacts, kid: string): readonly string[] {
  const names = NAMES[facts.kind];
  const [old] = kidsIn(facts, 'active');
  const previous = kidsIn(facts, 'previous').map((each) => key(each, names.previous));
  const staged = kidsIn(facts, 'staged').filter((each) => each !== kid);
  return [
    `${facts.setting}=${key(kid, names.staged)}`,
    ...(old === undefined ? [] : [`${names.previous}=${[key(old, facts.setting), ...previous].join(' ')}`]),
    `${names.staged}=${staged.map((each) => key(each, names.staged)).join(' ')}`,
  ];
}

/** The lines that let the active key open and not seal any more: the road out. */
export function deactivateLines(facts: RotationFacts, kid: string): readonly string[] {
  const names = NAMES[facts.kind];
  const staged = kidsIn(facts, 'staged').map((each) => key(each, names.staged));
  return [`${facts.setting}=`, `${names.staged}=${[key(kid, facts.setting), ...staged].join(' ')}`];
}

/** The lines that take a key out of the configuration for good. */
export function withdrawLines(
  facts: Pick<RotationFacts, 'kind' | 'keys' | 'withdrawn'>,
  kid: string,
): readonly string[] {
  const names = NAMES[facts.kind];
  const lists = (['previous', 'staged'] as const).filter((state) => kidsIn(facts, state).includes(kid));
  return [
    ...lists.map((state) => {
      const rest = kidsIn(facts, state).filter((each) => each !== kid);
      return `${names[state]}=${rest.map((each) => key(each, names[state])).join(' ')}`;
    }),
    `CASEHARD_WITHDRAWN_KIDS=${[...new Set([...facts.withdrawn, kid])].join(' ')}`,
  ];
}

/** The names of the settings of a kind of key. */
export const NAMES = {
  enc: { staged: 'CASEHARD_STAGED_ENC_KEYS', previous: 'CASEHARD_PREVIOUS_ENC_KEYS' },
  trk: { staged: 'CASEHARD_STAGED_TRACKING_KEYS', previous: 'CASEHARD_PREVIOUS_TRACKING_KEYS' },
} as const;

// --- internal ---

function kidsIn({ keys }: Pick<RotationFacts, 'keys'>, state: RotationFacts['keys'][number]['state']): string[] {
  return keys.filter((each) => each.state === state).map(({ kid }) => kid);
}

function key(kid: string, from: string): string {
  return `<key ${kid}, now in ${from}>`;
}
