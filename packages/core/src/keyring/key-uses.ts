/** Key ids that were sealed or minted with, and that opened something, since the last report of an attached process. */
export interface KeyUses {
  readonly sealed: Set<string>;
  readonly opened: Set<string>;
}
