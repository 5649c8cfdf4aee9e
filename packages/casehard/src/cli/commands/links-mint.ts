import { CasehardError } from '@casehard/core';
import type { Claims, Purpose } from '@casehard/core/links';
import { EXIT } from '../exit.ts';
import { linksGroup } from '../links/group.ts';
import { id, purpose, uuid, webAddress } from '../links/options.ts';
import { loadLinksProject } from '../links/project.ts';
import type { AddCommand } from '../main.ts';

/** `casehard links mint PURPOSE`: one link, as a mail would carry it. Needs no database. */
export const linksMint: AddCommand = (program, action) => {
  const command = linksGroup(program)
    .command('mint')
    .argument('<purpose>', 'open, click, unsubscribe, confirm, view or preferences', purpose)
    .description('make one link as a mail would carry it; it works like any other')
    .option('--recipient <n>', 'the number of the recipient', id)
    .option('--campaign <n>', 'the number of the campaign', id)
    .option('--link <n>', 'the number of the link', id)
    .option('--list <n>', 'the number of the list', id)
    .option('--send <n>', 'the number of the send', id)
    .option('--url <url>', 'where a click leads, inside the link itself', webAddress)
    .option('--recipient-key <uuid>', 'a recipient whose key is a UUID', uuid)
    .option('--confirm <code>', 'the confirm code that a legacy unsubscribe link carries')
    .option('--token', 'print the token alone');
  action(command, async (invocation, options, [name]) => {
    const { output } = invocation;
    const chosen = name as Purpose;
    const claims = claimsOf(options);
    refuseNobody(chosen, claims);
    const { links } = await loadLinksProject(invocation);
    const { active, setting } = links.keyring;
    const kind = active ? 'token' : 'legacy';
    if (!active) output.note(`${setting} not configured: links in mails show readable numbers`);
    if (options.token === true) {
      const token = links.mint(chosen, claims);
      output.line(token);
      output.result({ ok: true, exit: EXIT.done, purpose: chosen, kind, token });
      return EXIT.done;
    }
    const confirm = typeof options.confirm === 'string' ? options.confirm : undefined;
    const url = links.url(chosen, claims, confirm === undefined ? {} : { confirm });
    if (confirm !== undefined && kind === 'token') {
      output.note('--confirm is left out: a link with a token needs no confirm code');
    }
    output.line(url);
    output.result({ ok: true, exit: EXIT.done, purpose: chosen, kind, url });
    return EXIT.done;
  });
};

// --- internal ---

const CLAIMS = ['recipient', 'campaign', 'link', 'list', 'send', 'url', 'recipientKey'] as const;

/** The options that commander has read already, each as the claim of its name. */
function claimsOf(options: Readonly<Record<string, unknown>>): Claims {
  return Object.fromEntries(CLAIMS.map((name) => [name, options[name]]));
}

/** Such a link would do nothing for whoever follows it. */
function refuseNobody(purpose: Purpose, { recipient, recipientKey }: Claims): void {
  if ((purpose !== 'unsubscribe' && purpose !== 'preferences') || (recipient ?? recipientKey) !== undefined) return;
  throw new CasehardError('USAGE', `a link for ${purpose} must say whose it is`, {
    hint: 'give --recipient or --recipient-key',
  });
}
