import { valuesUnder } from '../kids.ts';
import type { Ctx } from '../request.ts';
import { type Html, html } from './html.ts';
import { plural, sentence } from './parts.ts';

/** What every page says until it is no longer so: no key, keys that do not fit, no proven backup, an upgrade that waits. */
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
        html`<strong>${sentence(keys.message)}</strong> ${keys.code === 'PREVIOUS_KEY_MISSING' ? 'What uses these credentials fails.' : 'Mail, bounces and sign-ins that use these credentials fail together.'} <a href="${href('/diagnosis')}">What happened, and what to do</a> <code>${keys.code}</code>`,
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
  lines.push(...besides(ctx), ...unproven(ctx));
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

/** What the canaries say besides: values under withdrawn keys, as far as a scan has found any, and lost tracking keys. */
function besides({ parts, href }: Ctx): readonly Html[] {
  const { watch, live } = parts;
  const found = watch.look?.found.besides ?? [];
  return found.flatMap(({ code, message, hint = '' }) => {
    if (code !== 'KEY_WITHDRAWN') {
      return [banner('warn', html`<strong>${sentence(message)}</strong> ${sentence(hint)} <code>${code}</code>`)];
    }
    const values = watch.scan ? valuesUnder(watch.scan.found, (kid) => live.keyring.isWithdrawn(kid)) : 0;
    if (values === 0) return [];
    const text = `${plural(values, 'value is', 'values are')} under a withdrawn key, and refused.`;
    return [
      banner(
        'warn',
        html`<strong>${text}</strong> <a href="${href('/recovery')}">Enter them again</a> <code>${code}</code>`,
      ),
    ];
  });
}

/** Nags until a drill has proven a backup of every key that is needed: the day it is needed is too late to find out. */
function unproven(ctx: Ctx): readonly Html[] {
  const kids = ctx.parts.watch.look?.found.unproven ?? [];
  if (kids.length === 0 || isAt(ctx, '/keys/backup')) return [];
  const which = kids.map((kid, i) => html`${i > 0 ? ' and ' : ''}<code>${kid}</code>`);
  return [
    banner(
      'warn',
      html`<strong>No backup of key ${which} was proven.</strong> If the key is lost, what it sealed is lost. <a href="${ctx.href('/keys/backup')}">Make a backup, and prove it</a>`,
    ),
  ];
}

function banner(kind: 'bad' | 'warn', content: Html): Html {
  return html`<div class="banner ${kind}" role="${kind === 'bad' ? 'alert' : 'status'}"><p>${content}</p></div>`;
}

function isAt({ url, parts }: Ctx, path: string): boolean {
  return url.pathname === `${parts.base}${path}`;
}
