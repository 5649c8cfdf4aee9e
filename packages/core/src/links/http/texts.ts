/** What the pages say; replace any of them, for example with a translation. */
export interface LinkTexts {
  /** The language of these texts, for screen readers (BCP 47). */
  readonly lang: string;
  readonly unsubscribe: string;
  readonly unsubscribeText: string;
  readonly unsubscribeButton: string;
  readonly done: string;
  readonly doneText: string;
  readonly later: string;
  readonly laterText: string;
  /** For a link that is too old, withdrawn or damaged. */
  readonly stale: string;
  readonly staleText: string;
  /** Above the form that asks for an address. */
  readonly byAddressText: string;
  readonly byAddressLabel: string;
  readonly byAddressButton: string;
  readonly sent: string;
  /** The same whether the address is known or not. */
  readonly sentText: string;
}

/** The texts where none are given. */
export const ENGLISH: LinkTexts = {
  lang: 'en',
  unsubscribe: 'Unsubscribe',
  unsubscribeText: 'Press the button to stop receiving these mails.',
  unsubscribeButton: 'Unsubscribe',
  done: 'You are unsubscribed',
  doneText: 'You will not receive these mails any more.',
  later: 'Please try again',
  laterText: 'This could not be done right now. Nothing was lost; please try again in a few minutes.',
  stale: 'This link does not work any more',
  staleText: 'It is too old, or it was damaged on its way.',
  byAddressText: 'To unsubscribe, enter the address that the mail came to. We send a fresh link there.',
  byAddressLabel: 'Email address',
  byAddressButton: 'Send me a link',
  sent: 'Please look into your mailbox',
  sentText: 'If this address receives our mails, a link to unsubscribe is on its way.',
};
