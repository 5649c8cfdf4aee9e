/** How bad a finding is, the worst first. */
export const SEVERITIES = ['failed', 'warning', 'notice', 'ok'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What a finding is about, in the order in which they are shown. */
export const GROUPS = ['keys', 'values', 'processes', 'database', 'configuration', 'policy'] as const;
export type FindingGroup = (typeof GROUPS)[number];

/** A value that a finding speaks of: where it is, never what it is. */
export interface FoundAt {
  readonly locator: string;
  /** Of a moved value: where it opens. */
  readonly from?: string;
}

/**
 * The result of one check. Evidence is numbers, names and locators, never content. `cause` and `fix` are there wherever
 * the verdict is not `ok`.
 */
export interface Finding {
  /** Stable: programs may rely on it. */
  readonly code: string;
  readonly group: FindingGroup;
  readonly verdict: Severity;
  readonly evidence: string;
  readonly cause?: string;
  readonly fix?: string;
  /** The field's logical name, where it is about one. */
  readonly field?: string;
  readonly key?: string;
  /** The first of the values concerned. */
  readonly locators?: readonly FoundAt[];
  /** How many there are. */
  readonly locatorsInAll?: number;
}

/** What a check says when something is not as it should be. */
export type Trouble = Omit<Finding, 'group' | 'cause' | 'fix'> & {
  readonly verdict: Exclude<Severity, 'ok'>;
  readonly cause: string;
  readonly fix: string;
};

/** The findings of one check: its troubles, or that all is well, so that the screen shows what was looked at. */
export function settle(
  group: FindingGroup,
  troubles: readonly Trouble[],
  ok: { readonly code: string; readonly evidence: string } | undefined,
): readonly Finding[] {
  if (troubles.length > 0) return troubles.map((trouble) => ({ group, ...trouble }));
  return ok === undefined ? [] : [{ group, verdict: 'ok', ...ok }];
}

/** The worst first; what is equally bad stays in its order. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  const rank = ({ verdict, group }: Finding): number =>
    SEVERITIES.indexOf(verdict) * GROUPS.length + GROUPS.indexOf(group);
  return [...findings].sort((a, b) => rank(a) - rank(b));
}

/** `1 value`, `2 values`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
