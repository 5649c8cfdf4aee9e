/** What a link in a mail is for; docs/format.md, "Link tokens". */
export type Purpose = 'open' | 'click' | 'unsubscribe' | 'confirm' | 'view' | 'preferences';

/** What the parameter of a legacy link holds: a number, or the confirm code that unsubscribing asks for. */
export type LegacyMeaning = 'campaign' | 'recipient' | 'link' | 'list' | 'send' | 'confirm';

/** One form of the links that a mailer made before: `{ script: 'link.php', parameters: { M: 'recipient', l: 'link' } }`. */
export interface LegacyShape {
  /** The path, relative to `baseUrl`. */
  readonly script: string;
  /** Every parameter that the link has, by its exact name, in the order in which it is written. */
  readonly parameters: Readonly<Record<string, LegacyMeaning>>;
  /** Parameters with a fixed value, such as `F: 'H'`: written, not asked for. */
  readonly constants?: Readonly<Record<string, string>>;
}

/** Links that are in people's mailboxes already. */
export interface LegacyLinks {
  /** Until when they are accepted (ISO 8601 date or time; a date means its end in UTC). */
  readonly until: string;
  /** Per purpose; the first shape that the claims fill is the one that is written while there is no tracking key. */
  readonly shapes: Readonly<Partial<Record<Purpose, readonly LegacyShape[]>>>;
}

/** How the links of this deployment look, and how long they live. */
export interface LinkSettings {
  /** Where the application answers: `https://example.com` or `https://example.com/mailer/`. */
  readonly baseUrl: string;
  /** The path of each purpose in use, relative to `baseUrl`: `{ click: 'link.php', open: 'open.php' }`. */
  readonly purposes: Readonly<Partial<Record<Purpose, string>>>;
  /**
   * Days from minting, or `never`. Default: open, click and view 90, confirm 7, unsubscribe and preferences never. Acts on
   * links already sent. Less than 60 days is refused for unsubscribe and preferences.
   */
  readonly lifetimes?: Readonly<Partial<Record<Purpose, number | 'never'>>>;
  /** Sets tokens of two deployments that share a key apart. Default: the empty text. */
  readonly audience?: string;
  /** The links that the mailer wrote before. */
  readonly legacy?: LegacyLinks;
}
