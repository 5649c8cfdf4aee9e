import type { LinkDefect, Purpose } from '@casehard/core/links';
import { age, duration } from './age.ts';
import { oneLine } from './claims.ts';
import type { ReadLink } from './read.ts';

/** What a person is told of a link: why it is believed or not, and what to do. */
export interface Explanation {
  readonly why: string;
  readonly fix?: string;
}

/** What explaining takes into account. */
export interface Circumstances {
  readonly now: number;
  readonly setting: string;
  /** Ids of the keys that were at hand. */
  readonly tkids: readonly string[];
  /** The key was typed in for this link. */
  readonly asked: boolean;
  /** Until when legacy links are accepted, as configured. */
  readonly until: string | undefined;
}

/** The verdict in plain sentences. */
export function explain({ purpose, header, result }: ReadLink, circumstances: Circumstances): Explanation {
  const { now, until } = circumstances;
  switch (result.kind) {
    case 'valid':
      if (!result.clockWrong)
        return { why: 'it was made under this key, nothing in it was changed, and it is not too old' };
      return {
        why: `it is genuine, but was made ${duration(result.issuedAt.getTime() - now)} in the future: opens and clicks are not recorded`,
        fix: 'set the clock of the machine that writes the mails, or of this one',
      };
    case 'expired':
      return {
        why: `it is genuine, and its lifetime ended ${age(result.expiredAt, now)}`,
        fix: `links.lifetimes in the configuration says how long ${purpose} links live, those already sent too`,
      };
    case 'legacy':
      return {
        why: `it has a declared legacy shape, accepted until ${oneLine(until ?? '')}; its numbers are readable, and anybody can write others`,
      };
    case 'invalid':
      return DEFECTS[result.reason]({ ...circumstances, purpose, tkid: header?.tkid, header });
  }
}

// --- internal ---

interface Facts extends Circumstances {
  readonly purpose: Purpose | undefined;
  readonly tkid: string | undefined;
  readonly header: ReadLink['header'];
}

const COPY = 'copy the whole link again; in the source of a mail =3D stands for = and a line may end in =';

const DEFECTS: Readonly<Record<LinkDefect, (facts: Facts) => Explanation>> = {
  NO_TOKEN: () => ({
    why: 'it has no token (t=…), and no legacy shape that the configuration declares',
    fix: 'copy the whole link; for links of an older mailer declare links.legacy in the configuration',
  }),
  LEGACY_ENDED: ({ until }) => ({
    why: `it has a legacy shape, and these were accepted until ${oneLine(until ?? '')}`,
    fix: 'a later links.legacy.until in the configuration accepts them again',
  }),
  LENGTH: ({ header }) => ({
    why: `its token has ${header ? `${header.length} characters` : 'another length'}, a whole one has 68 to 1391`,
    fix: COPY,
  }),
  NOT_CANONICAL: () => ({ why: 'its token was changed or cut on its way: these characters are no token', fix: COPY }),
  UNKNOWN_VERSION: () => ({
    why: 'its token is of no version that this release knows',
    fix: 'look for a damaged copy, or update casehard',
  }),
  WRONG_PURPOSE: ({ header, purpose }) =>
    header?.purpose === undefined
      ? { why: 'its token is for a purpose that there is not', fix: COPY }
      : {
          why: `it is a link for ${header.purpose}, and is never taken for one for ${purpose}`,
          fix: `leave --purpose out, or write --purpose ${header.purpose}`,
        },
  UNKNOWN_KEY: ({ tkid, setting, tkids, asked }) => {
    if (asked) return { why: `it was made under key ${tkid}; the key given is ${tkids}`, fix: `give key ${tkid}` };
    const why = `it was made under key ${tkid}, which is not configured here`;
    const place = tkids.length === 0 ? setting : 'CASEHARD_PREVIOUS_TRACKING_KEYS';
    return { why, fix: `put that key into ${place}, or add --ask-key to give it for this one link` };
  },
  WITHDRAWN_KEY: ({ tkid }) => ({
    why: `it was made under key ${tkid}, which is withdrawn: nothing that it says is believed`,
    fix: 'if the key was never compromised, take its id out of CASEHARD_WITHDRAWN_KIDS',
  }),
  TAG: ({ tkid }) => ({
    why: `it names key ${tkid} and does not open under it: it was changed, invented, or made for another audience`,
    fix: 'copy the whole link again; links.audience must be what it was when the link was made',
  }),
  CLAIMS: () => ({
    why: 'it was made under this key, and what it says breaks the format',
    fix: 'look for another program that makes links with this key, or update casehard',
  }),
};
