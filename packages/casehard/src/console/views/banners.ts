import type { Ctx } from '../request.ts';
import { type Html, html } from './html.ts';

/** What every page says until it is no longer so: no key, keys that do not fit, an upgrade that waits. */
export function banners(ctx: Ctx): Html {
  const { parts, href, who } = ctx;
  if (!who) return html``;
  const { live, watch } = parts;
  const keys = watch.look?.found.keys;
  const lines: Html[] = [];
  if (watch.lookFailed) {
    lines.push(
      banner(
        'bad',
        html`<strong>The database does not answer as it should.</strong> ${watch.lookFailed.message}. ${watch.lookFailed.hint ?? ''}`,
      ),
    );
  }
  if (keys) {
    lines.push(
      banner(
        'bad',
        html`<strong>${keys.message}.</strong> Mail, bounces and sign-ins that use these credentials fail together. <a href="${href('/diagnosis')}">What happened, and what to do</a>`,
      ),
    );
  } else if (!live.keyring.active) {
    lines.push(
      banner(
        'warn',
        html`<strong>${live.keyring.setting} not configured.</strong> Everything works as before and is stored in the existing scheme, not hardened. <a href="${href('/keys')}">Generate keys</a>`,
      ),
    );
  }
  if (watch.upgradePending && !isAt(ctx, '/upgrade')) {
    lines.push(
      banner(
        'warn',
        html`<strong>An upgrade is pending.</strong> Until it has run, saving goes on in the existing scheme. <a href="${href('/upgrade')}">See what will change</a>`,
      ),
    );
  }
  if (live.keyring.active && live.project.config.adopted !== true) {
    lines.push(
      banner(
        'warn',
        html`<strong>The configuration does not say <code>adopted: true</code>.</strong> What is saved here is sealed; a program that does not open sealed values yet cannot use it. <a href="${href('/jobs')}">What this means</a>`,
      ),
    );
  }
  return html`${lines}`;
}

// --- internal ---

function banner(kind: 'bad' | 'warn', content: Html): Html {
  return html`<div class="banner ${kind}" role="${kind === 'bad' ? 'alert' : 'status'}"><p>${content}</p></div>`;
}

function isAt({ url, parts }: Ctx, path: string): boolean {
  return url.pathname === `${parts.base}${path}`;
}
