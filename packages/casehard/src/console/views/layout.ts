import { ICON_PATH, SCRIPT_PATH, STYLE_PATH } from '../assets/assets.ts';
import type { Ctx } from '../request.ts';
import type { Page } from './answer.ts';
import { banners } from './banners.ts';
import { type Html, html } from './html.ts';
import { noticeOf } from './notices.ts';
import { tokenField } from './parts.ts';

/** The frame of every page. */
export async function layout(ctx: Ctx, page: Page): Promise<Html> {
  const { href, nonce, url } = ctx;
  const notice = noticeOf(url.searchParams.get('did'));
  const refresh =
    page.refresh === undefined ? '' : html`<noscript><meta http-equiv="refresh" content="${page.refresh}"></noscript>`;
  return html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh}
<title>${page.title} · casehard</title>
<link rel="icon" href="${href(ICON_PATH)}" type="image/svg+xml">
<link rel="stylesheet" href="${href(STYLE_PATH)}" nonce="${nonce}">
<script src="${href(SCRIPT_PATH)}" nonce="${nonce}" defer></script>
</head>
<body ${page.refresh === undefined ? '' : html`data-refresh="${page.refresh}"`}>
<a class="skip" href="#main">Skip to content</a>
${page.bare || !ctx.who ? bareHeader() : header(ctx)}
${page.bare ? '' : banners(ctx)}
${notice ? html`<div class="notice" role="status">${notice}</div>` : ''}
<main id="main" tabindex="-1">
<h1>${page.title}</h1>
${page.body}
</main>
</body>
</html>`;
}

// --- internal ---

function bareHeader(): Html {
  return html`<header class="top"><span class="brand">casehard</span></header>`;
}

function header(ctx: Ctx): Html {
  const { href, who, parts } = ctx;
  const own = parts.auth.ownAccounts;
  return html`<header class="top">
<a class="brand" href="${href('/')}">casehard</a>
<nav aria-label="Main"><ul>
${menuOf(ctx).map(({ path, label, here }) => html`<li><a href="${href(path)}" ${here ? html`aria-current="page"` : ''}>${label}</a></li>`)}
</ul></nav>
<div class="who">
${own ? html`<a href="${href('/account')}">${who?.name}</a>` : html`<span>${who?.name}</span>`}
<span class="role">${who?.role}</span>
${own ? html`<form method="post" action="${href('/sign-out')}">${tokenField(ctx)}<button class="link">Sign out</button></form>` : ''}
</div>
</header>`;
}

interface Item {
  readonly path: string;
  readonly label: string;
  readonly here: boolean;
}

/** The menu: the road in its order, with the pages that the configuration declares in the middle. */
function menuOf({ parts, url, who }: Ctx): readonly Item[] {
  const here = url.pathname.slice(parts.base.length) || '/';
  const item = (path: string, label: string): Item => ({
    path,
    label,
    here: path === '/' ? here === '/' : here === path || here.startsWith(`${path}/`),
  });
  const operator = who?.role === 'operator';
  const accounts = parts.auth.ownAccounts && operator ? [item('/accounts', 'Accounts')] : [];
  return [
    item('/', 'Overview'),
    ...parts.live.pages.map(({ slug, label }) => item(`/settings/${slug}`, label)),
    item('/jobs', 'Harden'),
    item('/quarantine', 'Quarantine'),
    item('/recovery', 'Recovery'),
    item('/keys', 'Keys'),
    item('/doctor', 'Doctor'),
    item('/upgrade', 'Upgrade'),
    ...(operator ? [item('/audit', 'Audit')] : []),
    ...accounts,
  ];
}
