import type { LinkEvent } from '@casehard/core/links/http';
import { expect } from 'vitest';
import { type Campaign, got } from './campaign.ts';
import { CAMPAIGN, CARRIED, LIST, type Recipient, STORED } from './mailer.ts';

/** What an event tells, without what is made anew for each. */
export type Told = Omit<LinkEvent, 'id' | 'requestId' | 'at' | 'issuedAt'>;

export function opened({ id }: Recipient): Told {
  return { ...BY_A_PERSON, kind: 'open', claims: { campaign: CAMPAIGN, recipient: id } };
}

export function clicked({ id }: Recipient, which: 'stored' | 'carried'): Told {
  const [more, destination] = which === 'stored' ? [{ link: STORED.id }, STORED.url] : [{ url: CARRIED }, CARRIED];
  return { ...BY_A_PERSON, kind: 'click', claims: { campaign: CAMPAIGN, recipient: id, ...more }, destination };
}

export function unsubscribed({ id }: Recipient, oneClick: boolean): Told {
  const claims = { campaign: CAMPAIGN, recipient: id, list: LIST };
  return { ...BY_A_PERSON, kind: 'unsubscribe', claims, oneClick };
}

/** Takes everything reported since the last look, and checks what is made anew for each. */
export function reported({ mailer }: Campaign): readonly Told[] {
  const events = mailer.events.splice(0);
  expect(new Set(events.map(({ requestId }) => requestId)).size).toBe(events.length);
  return events.map(({ id, requestId, at, issuedAt, ...told }) => {
    expect(Date.now() - at.getTime()).toBeLessThan(60_000);
    expect(id.startsWith(`${told.kind}:`)).toBe(true);
    if (told.legacy) expect(issuedAt).toBeUndefined();
    else expect(Date.now() - got(issuedAt).getTime()).toBeLessThan(120_000);
    return told;
  });
}

// --- internal ---

const BY_A_PERSON = { legacy: false, prefetch: undefined };
