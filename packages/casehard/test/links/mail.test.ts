import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOVECOT_ABSENT } from '../checks/dovecot.ts';
import { type Campaign, prepareCampaign, RECIPIENTS } from './campaign.ts';
import { CAMPAIGN, LIST } from './mailer.ts';
import { headerOf } from './post-office.ts';

const title = `a mail through SMTP and IMAP${DOVECOT_ABSENT === undefined ? '' : ` (skipped: ${DOVECOT_ABSENT})`}`;
describe.skipIf(DOVECOT_ABSENT !== undefined)(title, () => {
  const send = prepareCampaign();
  let campaign: Campaign;
  beforeAll(async () => {
    campaign = await send();
  });
  afterAll(() => campaign?.close());

  describe.each(RECIPIENTS)('in $encoding to $address', (recipient) => {
    it('carries both headers exactly once, with the URL in one piece', () => {
      const { lines, fields } = headerOf(campaign.received(recipient));
      const { button } = campaign.minted(recipient);
      expect(fields.filter((field) => /^list-/i.test(field))).toEqual([
        `List-Unsubscribe: <${button}>, <mailto:leave@example.com>`,
        'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
      ]);
      expect(lines.filter((line) => line.includes(`<${button}>`))).toHaveLength(1);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(998);
    });

    it('carries exactly the minted links, each under 200 characters, in text and HTML', () => {
      const links = campaign.minted(recipient);
      const { source, text } = campaign.received(recipient);
      expect(source.match(/^Content-Transfer-Encoding: .*$/gim)).toEqual([
        `Content-Transfer-Encoding: ${recipient.encoding}`,
        `Content-Transfer-Encoding: ${recipient.encoding}`,
      ]);
      expect(campaign.found(recipient)).toEqual(links);
      expect(text.replaceAll('\r\n', '\n').trim()).toBe(
        `Grüße!\n\nNeu: ${links.stored}\nBlog (${links.carried})\n\nAbmelden: ${links.unsubscribe}`,
      );
      for (const link of Object.values(links)) {
        expect(link.startsWith(`${campaign.mailer.url}/`)).toBe(true);
        expect(link.length).toBeLessThan(200);
      }
    });

    it('shows nowhere the number of the recipient, the list or the campaign', () => {
      const { source, text, html } = campaign.received(recipient);
      const tokens = Object.values(campaign.found(recipient)).map((link) => new URL(link).searchParams.get('t') ?? '');
      const bytes = tokens.map((token) => Buffer.from(token, 'base64url').toString('latin1'));
      expect(bytes.every((token) => token.length > 50)).toBe(true);
      const everything = [source, text, html, ...bytes].join('\n');
      for (const number of [recipient.id, LIST, CAMPAIGN]) {
        for (const form of formsOf(number)) expect(everything).not.toContain(form);
      }
    });
  });
});

// --- internal ---

/** How a number shows: decimal, hex, base64 of its digits, and its bytes in both orders. */
function formsOf(number: number): readonly string[] {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  const digits = Buffer.from(`${number}`).toString('base64').slice(0, 10);
  return [`${number}`, number.toString(16), digits, bytes.toString('latin1'), bytes.reverse().toString('latin1')];
}
