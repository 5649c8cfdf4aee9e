/** The one style sheet. Light and dark by the reader's own setting; every colour pair has a contrast of 4.5 or more. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --raised: #f5f7f8; --line: #c9ced4; --text: #1a1d21; --soft: #535a63; --accent: #0b6b5d; --on-accent: #ffffff;
  --danger: #a3142c; --on-danger: #ffffff; --warn-back: #fdf1d8; --warn-text: #5c3b00; --bad-back: #fbe0e4; --bad-text: #7d0f23;
  --good-back: #ddf3ec; --good-text: #0a4a3f;
  --hardened: #12806f; --legacy: #d98a00; --stale: #5a63d8; --quarantined: #d1541b; --unreadable: #b3152f; --empty: #9aa2ab;
  --b-hardened: #d9f2ea; --t-hardened: #0a4a3f; --b-legacy: #fdeccf; --t-legacy: #5f3d00; --b-stale: #e3e6fb; --t-stale: #343a8c;
  --b-quarantined: #fde2d8; --t-quarantined: #7a2b0a; --b-unreadable: #fbd9de; --t-unreadable: #820f25; --b-empty: #e9ecef; --t-empty: #434951;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --raised: #1d2125; --line: #434a52; --text: #e8eaed; --soft: #aeb6bf; --accent: #6fd8c6; --on-accent: #06231e;
    --danger: #ff9aa8; --on-danger: #3a0610; --warn-back: #3b2e12; --warn-text: #f6d999; --bad-back: #47161f; --bad-text: #ffc2cb;
    --good-back: #123a31; --good-text: #a9ebda;
    --hardened: #3bb39f; --legacy: #e0a336; --stale: #8a92f2; --quarantined: #e8814e; --unreadable: #e5556c; --empty: #6b737c;
    --b-hardened: #12382f; --t-hardened: #9be6d2; --b-legacy: #3e2f10; --t-legacy: #f4cf8a; --b-stale: #2a2d55; --t-stale: #c9cdff;
    --b-quarantined: #45220f; --t-quarantined: #ffc7ab; --b-unreadable: #4a1720; --t-unreadable: #ffbcc6; --b-empty: #2b3036; --t-empty: #c6ccd3;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem 1rem 4rem; outline: none; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2rem 0 .5rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p, ul, ol, dl { margin: .5rem 0 1rem; max-width: 46rem; }
a { color: var(--accent); text-underline-offset: .15em; }
code, pre, .mono { font: .9em/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
pre { background: var(--raised); border: 1px solid var(--line); border-radius: .4rem; padding: .75rem; overflow-x: auto; white-space: pre-wrap; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: .2rem; }
.skip { position: absolute; left: -999rem; background: var(--page); padding: .5rem 1rem; z-index: 2; }
.skip:focus { left: .5rem; top: .5rem; }
.soft { color: var(--soft); }
.top { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: center; padding: .6rem 1rem; border-bottom: 1px solid var(--line); background: var(--raised); }
.brand { font-weight: 700; color: var(--text); text-decoration: none; letter-spacing: .01em; }
.top nav { flex: 1 1 20rem; }
.top nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem .3rem; margin: 0; padding: 0; max-width: none; }
.top nav a { display: inline-block; padding: .3rem .55rem; border-radius: .35rem; color: var(--text); text-decoration: none; }
.top nav a:hover { background: var(--line); }
.top nav a[aria-current] { background: var(--accent); color: var(--on-accent); }
.who { display: flex; flex-wrap: wrap; gap: .25rem .6rem; align-items: center; overflow-wrap: anywhere; }
.role { color: var(--soft); font-size: .875rem; }
.banner, .notice { padding: .6rem 1rem; border-bottom: 1px solid var(--line); }
.banner p { margin: 0 auto; max-width: 70rem; }
.banner.warn { background: var(--warn-back); color: var(--warn-text); }
.banner.bad { background: var(--bad-back); color: var(--bad-text); }
.banner.good { background: var(--good-back); color: var(--good-text); }
.banner a { color: inherit; }
main .banner { border: 1px solid var(--line); border-radius: .4rem; margin: 1rem 0; }
.notice { background: var(--good-back); color: var(--good-text); }
.headline { font-size: 1.35rem; font-weight: 600; line-height: 1.3; margin: .5rem 0; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
th:not(.wide) > code { white-space: nowrap; }
td.num, th.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.wide { overflow-wrap: anywhere; min-width: 9rem; }
.badge { display: inline-block; padding: .05rem .5rem; border-radius: 1rem; font-size: .875rem; white-space: nowrap; }
.badge.hardened { background: var(--b-hardened); color: var(--t-hardened); } .badge.legacy { background: var(--b-legacy); color: var(--t-legacy); }
.badge.stale { background: var(--b-stale); color: var(--t-stale); } .badge.quarantined { background: var(--b-quarantined); color: var(--t-quarantined); }
.badge.unreadable { background: var(--b-unreadable); color: var(--t-unreadable); } .badge.empty { background: var(--b-empty); color: var(--t-empty); }
.bar { display: block; width: 100%; height: .8rem; border-radius: .4rem; }
.bar.big { height: 1.4rem; }
.f-hardened { fill: var(--hardened); } .f-legacy { fill: var(--legacy); } .f-stale { fill: var(--stale); }
.f-quarantined { fill: var(--quarantined); } .f-unreadable { fill: var(--unreadable); } .f-empty { fill: var(--empty); } .f-none { fill: var(--raised); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; max-width: none; }
.legend svg { width: .8rem; height: .8rem; margin-right: .35rem; vertical-align: -.05rem; }
.chart { display: block; width: 100%; height: 9rem; }
.chart .line { fill: none; stroke: var(--legacy); stroke-width: 2; vector-effect: non-scaling-stroke; }
.chart .axis { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
form.inline { display: inline-block; margin: 0 .4rem .4rem 0; }
form.stack { max-width: 34rem; }
.row { margin: 0 0 1rem; }
label, legend { display: block; font-weight: 600; margin-bottom: .2rem; }
fieldset { border: 1px solid var(--line); border-radius: .4rem; margin: 0 0 1rem; padding: .75rem 1rem; min-width: 0; }
.hint { color: var(--soft); font-size: .925rem; margin: .2rem 0 0; }
.choice { font-weight: 400; display: flex; gap: .5rem; align-items: flex-start; }
input, select, textarea { font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--soft); border-radius: .35rem; padding: .4rem .55rem; width: 100%; max-width: 100%; }
input[readonly] { background: var(--raised); border-style: dashed; }
input[type=checkbox], input[type=radio] { width: auto; margin-top: .3rem; }
input[type=number] { max-width: 9rem; }
button, .button { font: inherit; display: inline-block; padding: .4rem .9rem; border: 1px solid var(--soft); border-radius: .35rem; background: var(--raised); color: var(--text); cursor: pointer; text-decoration: none; margin: 0 .4rem .4rem 0; }
button.primary, .button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button.danger { background: var(--danger); border-color: var(--danger); color: var(--on-danger); }
button.link { background: none; border: 0; padding: 0; margin: 0; color: var(--accent); text-decoration: underline; }
progress { width: 100%; height: 1rem; accent-color: var(--accent); }
.filters { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; margin: .5rem 0 1rem; }
.filters > div { flex: 1 1 12rem; max-width: 22rem; }
.pager { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.road li { padding: .1rem 0; }
.cards.findings { grid-template-columns: 1fr; max-width: 60rem; }
.findings h2 { margin: .25rem 0 .5rem; }
.keyline { user-select: all; }
.qr svg { border-radius: .4rem; background: #fff; }
.cards { list-style: none; padding: 0; max-width: none; display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); }
.cards > li { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; min-width: 0; overflow-wrap: anywhere; }
details > summary { cursor: pointer; }
@media (max-width: 30rem) { main { padding: .5rem .75rem 3rem; } h1 { font-size: 1.35rem; } th, td { padding: .4rem .4rem; } }
@media (prefers-reduced-motion: no-preference) { .bar rect { transition: width .3s; } }
`;
